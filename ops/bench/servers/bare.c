/* The floor: accept WebSockets, then one send() per item and client, nothing else.
 *
 * No outbox, no encoding, no protocol beyond the handshake: what a single thread of
 * plain system calls can do on this machine, which the others are measured against. */
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
#include <unistd.h>

#define MOST_FILES 65536
#define BACKLOG 4096
#define LINE_SIZE 65536

/* The load client's key is always the same, hence so is the answer to it. */
static const char answer[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Accept: u1XhpQkfP2zTptTP9dPs9M6ELgY=\r\n\r\n";

static int epoll, subscribers[MOST_FILES], count;
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

static void broadcast(const char *item, size_t size)
{
    char frame[size + 4];
    size_t head = 2;
    frame[0] = (char)0x81;
    frame[1] = (char)(size < 126 ? size : 126);
    if (size >= 126) {
        frame[head++] = (char)(size >> 8);
        frame[head++] = (char)size;
    }
    memcpy(frame + head, item, size);
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

static void read_lines(int fd)
{
    static char line[LINE_SIZE];
    static size_t size;
    ssize_t got = recv(fd, line + size, sizeof line - size, 0);
    if (got <= 0) {
        close(fd);
        size = 0;
        return;
    }
    size += (size_t)got;
    char *end, *start = line;
    while ((end = memchr(start, '\n', size))) {
        broadcast(start, (size_t)(end - start));
        size -= (size_t)(end + 1 - start);
        start = end + 1;
    }
    memmove(line, start, size);
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
    send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    subscribers[count++] = fd;
}

int main(int argument_count, char **arguments)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (argument_count != 3)
        return 2;
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
