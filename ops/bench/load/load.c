/* Measure a fan-out: open N subscribers, publish items, count every delivery.
 *
 * One thread that never sleeps, because a reader that does costs the server a wake-up
 * per send. Items go to the server over a control connection, each between a head and
 * a tail that make it a line, an HTTP request or an MQTT packet. The result is one
 * line of JSON for each window (items in flight). */
#define _GNU_SOURCE
#include "options.h"
#include "usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ITEM_SIZE 250
#define CAPACITY (1 << 20)  /* items in all */
#define EVENTS 1024
#define STALLED_BUFFER 4096 /* so that a client that stops reading is soon felt */
#define SETTLE_S 0.3        /* some brokers answer just before they have subscribed */
#define PATIENCE_S 5.0      /* without a delivery: what is missing counts as lost */
#define CONNECT_PATIENCE_S 20.0

struct run {
    struct options options;
    struct client *clients;
    struct tally tally;
    int epoll, control, ready, closed, accepted;
    long polls, idle_polls, frames;
    double connects_per_s, rss_per_connection;
};

/* What is read off before and after a measurement. */
struct sample {
    struct usage server;
    double at;
    long deliveries, duplicated, out_of_order, lost, polls, idle_polls, frames;
};

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct sample take_sample(const struct run *run)
{
    const struct tally *tally = &run->tally;
    struct sample sample = {.server = usage_of(run->options.pid), .at = now_s(), .polls = run->polls,
                            .idle_polls = run->idle_polls, .frames = run->frames,
                            .deliveries = tally->deliveries, .lost = tally->lost,
                            .duplicated = tally->duplicated,
                            .out_of_order = tally->out_of_order};
    return sample;
}

static void watch(struct run *run, int fd, struct client *client)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    epoll_ctl(run->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* Count the answers to the publisher that say yes. */
static void read_control(struct run *run)
{
    char answers[4096];
    ssize_t size = recv(run->control, answers, sizeof answers, 0);
    if (size == 0)
        fail("the server closed the control connection");
    const char *at = answers, *end = answers + (size > 0 ? size : 0);
    struct text yes = run->options.accepted;
    while (yes.size && (at = memmem(at, (size_t)(end - at), yes.bytes, yes.size))) {
        at += yes.size;
        run->accepted++;
    }
}

static void read_client(struct run *run, struct client *client)
{
    enum state before = client->state;
    run->frames += client_read(client, &run->options.script, &run->tally, now_s());
    if (client->state == CLOSED) {
        if (before < READY)
            fail("the server closed a client before it had subscribed");
        tally_leave(&run->tally, &client->progress);
        close(client->fd);
        run->closed++;
    } else if (before < READY && client->state == READY) {
        run->ready++;
    }
}

static void poll_once(struct run *run)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(run->epoll, events, EVENTS, 0);
    run->polls++;
    run->idle_polls += count == 0;
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
            read_client(run, events[i].data.ptr);
        else
            read_control(run);
    }
}

static void settle(struct run *run)
{
    for (double settled = now_s() + SETTLE_S; now_s() < settled;)
        poll_once(run);
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

static void publish(struct run *run, double now)
{
    const struct options *options = &run->options;
    size_t head = options->head.size, tail = options->tail.size;
    char packet[head + ITEM_SIZE + tail + 1], *item = packet + head;
    int seq = tally_publish(&run->tally, now);
    memcpy(packet, options->head.bytes, head);
    int used = snprintf(item, ITEM_SIZE,
                        "{\"type\":\"post\",\"title\":\"seq:%d\",\"content_text\":\"",
                        seq);
    memset(item + used, 'x', (size_t)(ITEM_SIZE - 2 - used));
    memcpy(item + ITEM_SIZE - 2, "\"}", 2);
    memcpy(item + ITEM_SIZE, options->tail.bytes, tail);
    if (!send_all(run->control, packet, head + ITEM_SIZE + tail))
        fail("the control connection is gone");
}

/* Publish what a backlog is made of, before anybody is there to get it. */
static void prefill(struct run *run)
{
    int live = run->tally.live;
    run->tally.live = 0;
    for (int i = 0; i < run->options.prefill; i++)
        publish(run, now_s());
    run->tally.live = live;
    tally_give_up(&run->tally);
    double end = now_s() + CONNECT_PATIENCE_S;
    while (run->options.accepted.size && run->accepted < run->options.prefill &&
           now_s() < end)
        poll_once(run);
    settle(run);
}

/* Open every client, a bounded number at a time. */
static void open_clients(struct run *run, int stalled)
{
    const struct options *options = &run->options;
    double start = now_s(), heard_at = start;
    for (int opened = 0; run->ready < options->clients;) {
        double now = now_s();
        int ready = run->ready, due = options->clients;
        if (options->rate && (now - start) * options->rate < due)
            due = (int)((now - start) * options->rate) + 1;
        if (opened < due && opened - ready < options->opening) {
            struct client *client = &run->clients[opened];
            client_open(client, &options->script, opened,
                        opened < stalled ? STALLED_BUFFER : 0);
            client->progress.next = run->tally.published;
            watch(run, client->fd, client);
            run->ready += client->state == READY;
            opened++;
        }
        poll_once(run);
        if (run->ready > ready)
            heard_at = now;
        if (now - heard_at > CONNECT_PATIENCE_S) {
            fprintf(stderr, "last message: %s\n", unexpected);
            fail("clients do not get subscribed");
        }
    }
    run->connects_per_s = options->clients / (now_s() - start);
}

static void connect_all(struct run *run)
{
    int stalled = (int)(run->options.clients * run->options.stalled);
    long rss = usage_of(run->options.pid).rss;
    open_clients(run, stalled);
    rss = usage_of(run->options.pid).rss - rss;
    run->rss_per_connection = (double)rss / run->options.clients;
    for (int i = 0; i < stalled; i++)
        epoll_ctl(run->epoll, EPOLL_CTL_DEL, run->clients[i].fd, NULL);
    run->tally.live -= stalled;
    settle(run);
}

/* Publish up to an item or an instant, then go on reading while `drain` and waiting
 * are worth it. */
static void pump(struct run *run, int window, int last, double end, bool drain)
{
    struct tally *tally = &run->tally;
    long deliveries = tally->deliveries;
    for (double now = now_s(), heard_at = now;; now = now_s()) {
        bool over = now >= end || tally->published >= last;
        if (over && (!drain || tally->done == tally->published))
            return;
        while (!over && tally->published < last &&
               tally->published - tally->done < window)
            publish(run, now);
        poll_once(run);
        if (tally->deliveries > deliveries)
            heard_at = now;
        deliveries = tally->deliveries;
        if (now - heard_at > PATIENCE_S || tally->live == 0)
            return;
    }
}

static double rank(const double *sorted, int count, double quantile)
{
    return count ? sorted[(int)((count - 1) * quantile + 0.5)] : 0;
}

static void report(const struct run *run, int window, int first, struct sample start,
                   struct sample end)
{
    const struct options *options = &run->options;
    const struct tally *tally = &run->tally;
    double *latencies = malloc((size_t)CAPACITY * sizeof *latencies);
    int items = tally_latencies(tally, first, latencies);
    double took = end.at - start.at;
    long polls = end.polls - start.polls;
    printf("{\"clients\":%d,\"window\":%d,\"cohorts\":%d,\"stalled\":%.3f,"
           "\"seconds\":%.2f,\"items\":%d,\"deliveries_per_s\":%.0f,"
           "\"frames_per_s\":%.0f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,",
           options->clients, window, options->script.cohorts, options->stalled, took,
           items, (double)(end.deliveries - start.deliveries) / took,
           (double)(end.frames - start.frames) / took, rank(latencies, items, 0.5),
           rank(latencies, items, 0.99));
    printf("\"lost\":%ld,\"duplicated\":%ld,\"out_of_order\":%ld,\"closed\":%d,",
           tally->lost - start.lost,
           tally->duplicated - start.duplicated,
           tally->out_of_order - start.out_of_order, run->closed);
    printf("\"connects_per_s\":%.0f,\"rss_per_connection\":%.0f,\"rss_mb\":%.1f,"
           "\"server_cpu_s\":%.2f,\"client_idle\":%.2f}\n",
           run->connects_per_s, run->rss_per_connection, (double)end.server.rss / 1e6,
           end.server.cpu_s - start.server.cpu_s,
           polls ? (double)(end.idle_polls - start.idle_polls) / (double)polls : 0);
    free(latencies);
}

/* Measure from full pipes to full pipes, then wait for what is still under way. */
static void measure(struct run *run, int window)
{
    const struct options *options = &run->options;
    pump(run, window, run->tally.published + options->warmup, now_s() + PATIENCE_S,
         true);
    int first = run->tally.published;
    struct sample start = take_sample(run);
    pump(run, window, CAPACITY, start.at + options->seconds, false);
    struct sample end = take_sample(run);
    pump(run, window, run->tally.published, end.at, true);
    tally_give_up(&run->tally);
    report(run, window, first, start, end);
}

int main(int count, char **arguments)
{
    static struct run run;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    run.options = parse_options(count, arguments);
    run.clients = calloc((size_t)run.options.clients, sizeof *run.clients);
    run.epoll = epoll_create1(0);
    tally_init(&run.tally, CAPACITY, run.options.clients);
    open_control(&run);
    prefill(&run);
    connect_all(&run);
    for (int i = 0; i < run.options.phases; i++)
        measure(&run, run.options.windows[i]);
    if (!run.options.phases)
        printf("{\"clients\":%d,\"connects_per_s\":%.0f,\"rss_per_connection\":%.0f}\n",
               run.options.clients, run.connects_per_s, run.rss_per_connection);
    return 0;
}
