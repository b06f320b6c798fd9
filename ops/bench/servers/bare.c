/* The floor: accept WebSockets, then one send() per item and client, nothing else.
 *
 * No outbox, no encoding, no protocol beyond the handshake: what a single thread of
 * plain system calls can do on this machine, which the others are measured against.
 *
 * With "coalesced" as the last argument it is the ceiling: all that is published
 * together leaves as one compressed frame, one send() per client. Whoever sends each
 * client all of it, once, from one thread, can hardly be faster. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#define MOST_FILES 65536
#define BACKLOG 4096
#define LINE_SIZE 65536
#define QUIET_NS 100000 /* nothing more published for so long: it was all */

/* The load client's key is always the same, hence so is the answer to it. */
static const char answer[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Accept: u1XhpQkfP2zTptTP9dPs9M6ELgY=\r\n";
static const char without_contexts[] =
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
    "client_no_context_takeover\r\n";

static int epoll, subscribers[MOST_FILES], count, coalesced;
static char role[MOST_FILES]; /* l: listener, c: control listener, p: publisher */

static void watch(int fd, char as)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    role[fd] = as;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void listen_on(int port, char as)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((unsigned short)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, BACKLOG)) {
        perror("listen");
        exit(1);
    }
    watch(fd, as);
}

static void broadcast(int opcode, const char *payload, size_t size)
{
    char frame[size + 4];
    size_t head = 2;
    frame[0] = (char)opcode;
    frame[1] = (char)(size < 126 ? size : 126);
    if (size >= 126) {
        frame[head++] = (char)(size >> 8);
        frame[head++] = (char)size;
    }
    memcpy(frame + head, payload, size);
    for (int i = 0; i < count; i++)
        send(subscribers[i], frame, head + size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void drop(int fd)
{
    close(fd);
    for (int i = 0; i < count; i++)
        if (subscribers[i] == fd)
            subscribers[i] = subscribers[--count];
}

static void broadcast_compressed(const char *lines, size_t size)
{
    static z_stream stream;
    static unsigned char packed[LINE_SIZE];
    if (!stream.state)
        deflateInit2(&stream, 4, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    deflateReset(&stream);
    stream.next_in = (unsigned char *)lines;
    stream.avail_in = (unsigned)size;
    stream.next_out = packed;
    stream.avail_out = sizeof packed;
    deflate(&stream, Z_SYNC_FLUSH);
    broadcast(0xC1, (char *)packed, sizeof packed - stream.avail_out - 4);
}

static long now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

/* Read what is there; coalesced, until there has been nothing more for a moment. */
static ssize_t gather(int fd, char *to, size_t room)
{
    ssize_t got = recv(fd, to, room, 0), all = got;
    for (long heard = now_ns(); coalesced && all > 0 && now_ns() - heard < QUIET_NS;) {
        got = recv(fd, to + all, room - (size_t)all, MSG_DONTWAIT);
        if (got > 0) {
            all += got;
            heard = now_ns();
        }
    }
    return all;
}

static void read_lines(int fd)
{
    static char lines[LINE_SIZE];
    static size_t size;
    ssize_t got = gather(fd, lines + size, sizeof lines - size);
    if (got <= 0) {
        close(fd);
        size = 0;
        return;
    }
    size += (size_t)got;
    char *end, *start = lines;
    if (coalesced && (end = memrchr(start, '\n', size))) {
        broadcast_compressed(start, (size_t)(end - start));
        start = end + 1;
    }
    while (!coalesced && (end = memchr(start, '\n', size - (size_t)(start - lines)))) {
        broadcast(0x81, start, (size_t)(end - start));
        start = end + 1;
    }
    size -= (size_t)(start - lines);
    memmove(lines, start, size);
}

/* Take the first bytes of a client as its whole request; its later ones are nothing. */
static void read_request(int fd)
{
    char request[4096];
    if (recv(fd, request, sizeof request, 0) <= 0) {
        drop(fd);
        return;
    }
    if (role[fd] == 's')
        return;
    role[fd] = 's';
    char head[sizeof answer + sizeof without_contexts + 2];
    int size = snprintf(head, sizeof head, "%s%s\r\n", answer,
                        coalesced ? without_contexts : "");
    send(fd, head, (size_t)size, MSG_NOSIGNAL);
    subscribers[count++] = fd;
}

int main(int argument_count, char **arguments)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (argument_count < 3)
        return 2;
    coalesced = argument_count > 3 && !strcmp(arguments[3], "coalesced");
    epoll = epoll_create1(0);
    listen_on(atoi(arguments[1]), 'l');
    listen_on(atoi(arguments[2]), 'c');
    for (struct epoll_event events[256];;) {
        int ready = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd, on = 1;
            if (role[fd] == 'p') {
                read_lines(fd);
            } else if (role[fd] == 'l' || role[fd] == 'c') {
                int new = accept(fd, NULL, NULL);
                setsockopt(new, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                watch(new, role[fd] == 'c' ? 'p' : 'n');
            } else {
                read_request(fd);
            }
        }
    }
}
