/* Measure a fan-out: open N subscribers, publish items, count every delivery.
 *
 * One thread that never sleeps, because a reader that does costs the server a wake-up
 * per send. Items go to the server over a control connection, each between a head and
 * a tail that make it a line, an HTTP request or an MQTT packet. The result is one
 * line of JSON. */
#define _GNU_SOURCE
#include "client.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ITEM_SIZE 250
#define CAPACITY (1 << 20)  /* items in one run */
#define EVENTS 1024
#define STALLED_BUFFER 4096 /* so that a client that stops reading is soon felt */
#define SETTLE_S 0.3        /* brokers that subscribe just after they have answered */
#define PATIENCE_S 8.0      /* without a delivery: the rest counts as lost */
#define CONNECT_PATIENCE_S 60.0

struct options {
    struct script script;
    int clients, window, warmup, opening, rate, pid, control_port;
    double seconds, stalled;
    struct text head, tail, control_steps[STEPS];
    int control_step_count;
};

struct run {
    struct options options;
    struct client *clients;
    struct tally tally;
    int epoll, control, ready;
    long polls, idle_polls, frames;
};

struct usage {
    double cpu_s;
    long rss;
};

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *reason)
{
    fprintf(stderr, "load: %s\n", reason);
    exit(1);
}

static struct usage usage_of(int pid)
{
    char path[64];
    long pages = 0, user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1)
        fail("the server is gone");
    fclose(file);
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    file = fopen(path, "r");
    const char *pattern = "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
                          "%ld %ld";
    if (!file || fscanf(file, pattern, &user, &system) != 2)
        fail("the server is gone");
    fclose(file);
    return (struct usage){(double)(user + system) / (double)sysconf(_SC_CLK_TCK),
                          pages * sysconf(_SC_PAGESIZE)};
}

static void publish(struct run *run, double now)
{
    const struct options *options = &run->options;
    char item[ITEM_SIZE + 1];
    int seq = tally_publish(&run->tally, now);
    int used = snprintf(item, sizeof item,
                        "{\"seq\":%d,\"at\":%.6f,\"type\":\"post\","
                        "\"channel\":\"radiostation.artist\",\"content_text\":\"",
                        seq, now);
    memset(item + used, 'x', (size_t)(ITEM_SIZE - 2 - used));
    memcpy(item + ITEM_SIZE - 2, "\"}", 2);
    char packet[options->head.size + ITEM_SIZE + options->tail.size];
    memcpy(packet, options->head.bytes, options->head.size);
    memcpy(packet + options->head.size, item, ITEM_SIZE);
    memcpy(packet + options->head.size + ITEM_SIZE, options->tail.bytes,
           options->tail.size);
    if (!send_all(run->control, packet, sizeof packet))
        fail("the control connection is gone");
}

/* Forget a client that closed or stalls; only the first counts as a loss. */
static void leave(struct run *run, struct client *client)
{
    epoll_ctl(run->epoll, EPOLL_CTL_DEL, client->fd, NULL);
    if (client->state == CLOSED) {
        tally_leave(&run->tally, &client->progress);
        close(client->fd);
    }
}

static void poll_once(struct run *run)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(run->epoll, events, EVENTS, 0);
    run->polls++;
    run->idle_polls += count == 0;
    for (int i = 0; i < count; i++) {
        struct client *client = events[i].data.ptr;
        if (!client) { /* the answers of a broker to its publisher */
            char answers[4096];
            if (recv(run->control, answers, sizeof answers, 0) == 0)
                fail("the server closed the control connection");
            continue;
        }
        enum state before = client->state;
        run->frames += client_read(client, &run->options.script, &run->tally, now_s());
        if (before < READY && client->state == READY)
            run->ready++;
        if (client->state == CLOSED)
            leave(run, client);
        if (before < READY && client->state == CLOSED)
            fail("the server closed a client before it had subscribed");
    }
}

static void watch(struct run *run, int fd, struct client *client)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    epoll_ctl(run->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* Open all clients, a bounded number at a time; return how long that took. */
static double connect_all(struct run *run)
{
    const struct options *options = &run->options;
    int opened = 0, stalled = (int)(options->clients * options->stalled);
    double start = now_s(), progress_at = start;
    while (run->ready < options->clients) {
        double now = now_s();
        int due = options->rate ? (int)((now - start) * options->rate) + 1
                                : options->clients;
        int ready = run->ready;
        if (opened < options->clients && opened < due &&
            opened - run->ready < options->opening) {
            struct client *client = &run->clients[opened];
            client_open(client, &options->script, opened,
                        opened < stalled ? STALLED_BUFFER : 0);
            watch(run, client->fd, client);
            run->ready += client->state == READY;
            opened++;
        }
        poll_once(run);
        if (run->ready > ready)
            progress_at = now;
        if (now - progress_at > CONNECT_PATIENCE_S)
            fail("clients do not get subscribed");
    }
    double took = now_s() - start;
    for (int i = 0; i < stalled; i++) {
        run->clients[i].state = STALLED;
        leave(run, &run->clients[i]);
    }
    run->tally.live -= stalled;
    return took;
}

static void open_control(struct run *run)
{
    const struct options *options = &run->options;
    run->control = dial(options->script.host, options->control_port, 0);
    for (int i = 0; i < options->control_step_count; i++) {
        struct text step = options->control_steps[i];
        char answer[4096];
        if (step.bytes[0] == '>')
            send_all(run->control, step.bytes + 1, step.size - 1);
        else
            while (recv(run->control, answer, sizeof answer, 0) <= 0)
                ;
    }
    watch(run, run->control, NULL);
}

/* Keep the window full until the end; then wait for what is under way, if told to. */
static void pump(struct run *run, double end, int items, bool drain)
{
    struct tally *tally = &run->tally;
    long deliveries = tally->deliveries;
    double now = now_s(), heard_at = now;
    while (now < end || (drain && tally->done < tally->published)) {
        while (now < end && tally->published - tally->done < run->options.window &&
               tally->published < items)
            publish(run, now);
        poll_once(run);
        now = now_s();
        if (tally->deliveries > deliveries)
            heard_at = now;
        deliveries = tally->deliveries;
        if (now - heard_at > PATIENCE_S || tally->live == 0)
            return;
        if (tally->published == items && tally->done == items)
            return;
    }
}

/* The clients as they must be at the end: everyone has everything. */
static int settle_accounts(struct run *run)
{
    int closed = 0;
    for (int i = 0; i < run->options.clients; i++) {
        struct client *client = &run->clients[i];
        closed += client->state == CLOSED;
        if (client->state == READY)
            tally_leave(&run->tally, &client->progress);
    }
    return closed;
}

static double rank(const double *sorted, int count, double quantile)
{
    return count ? sorted[(int)((count - 1) * quantile + 0.5)] : 0;
}

static void measure(struct run *run)
{
    const struct options *options = &run->options;
    struct usage empty = usage_of(options->pid);
    double connect_s = connect_all(run);
    struct usage full = usage_of(options->pid);
    double settled = now_s() + SETTLE_S;
    while (now_s() < settled)
        poll_once(run);
    if (options->seconds > 0)
        pump(run, settled + PATIENCE_S, options->warmup, false);
    int first = run->tally.published;
    long deliveries = run->tally.deliveries, polls = run->polls;
    long idle = run->idle_polls, frames = run->frames;
    struct usage before = usage_of(options->pid);
    double start = now_s();
    pump(run, start + options->seconds, CAPACITY, false);
    double took = now_s() - start;
    struct usage after = usage_of(options->pid);
    deliveries = run->tally.deliveries - deliveries;
    polls = run->polls - polls;
    idle = run->idle_polls - idle;
    frames = run->frames - frames;
    pump(run, 0, CAPACITY, true);
    int closed = settle_accounts(run);
    double *latencies = malloc((size_t)CAPACITY * sizeof *latencies);
    int count = tally_latencies(&run->tally, first, latencies);
    printf("{\"clients\":%d,\"window\":%d,\"stalled\":%.3f,\"seconds\":%.2f,"
           "\"items\":%d,\"deliveries_per_s\":%.0f,\"frames_per_s\":%.0f,"
           "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"lost\":%ld,\"duplicated\":%ld,"
           "\"out_of_order\":%ld,\"closed\":%d,\"connects_per_s\":%.0f,"
           "\"rss_per_connection\":%.0f,\"rss_mb\":%.1f,\"server_cpu_s\":%.2f,"
           "\"client_idle\":%.2f}\n",
           options->clients, options->window, options->stalled, took, count,
           (double)deliveries / took, (double)frames / took,
           rank(latencies, count, 0.5), rank(latencies, count, 0.99), run->tally.lost,
           run->tally.duplicated, run->tally.out_of_order, closed,
           options->clients / connect_s,
           (double)(full.rss - empty.rss) / options->clients,
           (double)after.rss / 1e6, after.cpu_s - before.cpu_s,
           polls ? (double)idle / (double)polls : 0);
}

static void add_step(struct text *steps, int *count, const char *source)
{
    if (*count == STEPS || (*source != '<' && *source != '>'))
        fail("a step begins with < or >, and there is a limit to them");
    steps[(*count)++] = unescape(source);
}

static void set_reply(struct script *script, const char *source)
{
    const char *equals = strchr(source, '=');
    if (!equals)
        fail("--reply wants ASKED=REPLY");
    script->reply = unescape(equals + 1);
    script->asked = unescape(strndup(source, (size_t)(equals - source)));
}

static struct options parse(int count, char **arguments)
{
    static const struct option names[] = {
        {"host", 1, 0, 'h'},    {"port", 1, 0, 'p'},         {"path", 1, 0, 'u'},
        {"mqtt", 0, 0, 'm'},    {"step", 1, 0, 's'},         {"reply", 1, 0, 'r'},
        {"cohorts", 1, 0, 'k'}, {"control-port", 1, 0, 'c'}, {"control-step", 1, 0, 'C'},
        {"head", 1, 0, 'H'},    {"tail", 1, 0, 'T'},         {"clients", 1, 0, 'n'},
        {"window", 1, 0, 'w'},  {"warmup", 1, 0, 'W'},       {"seconds", 1, 0, 'S'},
        {"rate", 1, 0, 'R'},    {"opening", 1, 0, 'o'},      {"stalled", 1, 0, 'x'},
        {"pid", 1, 0, 'P'},     {0}};
    struct options all = {.clients = 1000, .window = 1, .warmup = 5, .opening = 64,
                          .seconds = 5,
                          .script = {.host = "127.0.0.1", .cohorts = 1}};
    struct script *script = &all.script;
    script->path = all.head = unescape("");
    all.tail = unescape("\\n");
    for (int name; (name = getopt_long(count, arguments, "", names, NULL)) != -1;) {
        switch (name) {
        case 'h': script->host = optarg; break;
        case 'p': script->port = atoi(optarg); break;
        case 'u': script->path = unescape(optarg); break;
        case 'm': script->protocol = MQTT; break;
        case 's': add_step(script->steps, &script->step_count, optarg); break;
        case 'r': set_reply(script, optarg); break;
        case 'k': script->cohorts = atoi(optarg); break;
        case 'c': all.control_port = atoi(optarg); break;
        case 'C': add_step(all.control_steps, &all.control_step_count, optarg); break;
        case 'H': all.head = unescape(optarg); break;
        case 'T': all.tail = unescape(optarg); break;
        case 'n': all.clients = atoi(optarg); break;
        case 'w': all.window = atoi(optarg); break;
        case 'W': all.warmup = atoi(optarg); break;
        case 'S': all.seconds = atof(optarg); break;
        case 'R': all.rate = atoi(optarg); break;
        case 'o': all.opening = atoi(optarg); break;
        case 'x': all.stalled = atof(optarg); break;
        case 'P': all.pid = atoi(optarg); break;
        default: exit(2);
        }
    }
    return all;
}

int main(int count, char **arguments)
{
    static struct run run;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    run.options = parse(count, arguments);
    run.clients = calloc((size_t)run.options.clients, sizeof *run.clients);
    run.epoll = epoll_create1(0);
    tally_init(&run.tally, CAPACITY, run.options.clients);
    open_control(&run);
    measure(&run);
    return 0;
}
