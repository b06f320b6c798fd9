/* Hold N subscribers until standard input ends, and drain all that they get.
 *
 * Takes the options of the load client that say how a client subscribes. Prints "ready"
 * when all have, and in the end one line of JSON. With --window=N it waits for the items
 * seq:0 to seq:N-1, says when the last client had each (CLOCK_MONOTONIC), and never
 * sleeps, because a reader that does costs the server a wake-up per send. Without, it
 * sleeps while there is nothing to read, and holds on for as long as it is asked to. */
#define _GNU_SOURCE
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 1024
#define PATIENCE_S 20.0

struct crowd {
    struct options options;
    struct client *clients;
    struct tally tally;
    int epoll, ready, closed;
    long frames;
    bool over;
};

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void watch(struct crowd *crowd, int fd, struct client *client)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    if (epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, fd, &event))
        fail("standard input must be a pipe");
}

static void read_client(struct crowd *crowd, struct client *client)
{
    enum state before = client->state;
    struct script *script = &crowd->options.script;
    crowd->frames += client_read(client, script, &crowd->tally, now_s());
    if (client->state == CLOSED) {
        if (before < READY)
            fail("the server closed a client before it had subscribed");
        tally_leave(&crowd->tally, &client->progress);
        close(client->fd);
        crowd->closed++;
    } else if (before < READY && client->state == READY) {
        crowd->ready++;
    }
}

static void poll_once(struct crowd *crowd, int wait_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(crowd->epoll, events, EVENTS, wait_ms);
    for (int i = 0; i < count; i++) {
        char ignored[64];
        if (events[i].data.ptr)
            read_client(crowd, events[i].data.ptr);
        else if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0)
            crowd->over = true;
    }
}

static void open_clients(struct crowd *crowd)
{
    const struct options *options = &crowd->options;
    double heard_at = now_s();
    for (int opened = 0; crowd->ready < options->clients && !crowd->over;) {
        int ready = crowd->ready;
        if (opened < options->clients && opened - ready < options->opening) {
            struct client *client = &crowd->clients[opened];
            client_open(client, &options->script, opened, 0);
            watch(crowd, client->fd, client);
            opened++;
        }
        poll_once(crowd, 0);
        if (crowd->ready > ready)
            heard_at = now_s();
        if (now_s() - heard_at > PATIENCE_S)
            fail("clients do not get subscribed");
    }
}

static void report(const struct crowd *crowd)
{
    const struct tally *tally = &crowd->tally;
    printf("{\"frames\":%ld,\"closed\":%d,\"deliveries\":%ld,\"duplicated\":%ld,"
           "\"out_of_order\":%ld,\"done_at\":[",
           crowd->frames, crowd->closed, tally->deliveries, tally->duplicated,
           tally->out_of_order);
    for (int item = 0; item < tally->published; item++)
        printf("%s%.6f", item ? "," : "", tally->done_at[item]);
    puts("]}");
}

int main(int count, char **arguments)
{
    static struct crowd crowd;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    crowd.options = parse_options(count, arguments);
    int items = crowd.options.phases ? crowd.options.windows[0] : 0;
    crowd.clients = calloc((size_t)crowd.options.clients, sizeof *crowd.clients);
    crowd.epoll = epoll_create1(0);
    tally_init(&crowd.tally, items + 1, crowd.options.clients);
    watch(&crowd, STDIN_FILENO, NULL);
    open_clients(&crowd);
    for (int item = 0; item < items; item++)
        tally_publish(&crowd.tally, 0);
    puts("ready");
    fflush(stdout);
    while (!crowd.over)
        poll_once(&crowd, items ? 0 : -1);
    report(&crowd);
    return 0;
}
