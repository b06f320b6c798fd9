#define _GNU_SOURCE
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE (1 << 18)

/* As browsers offer it; without contexts, for frames are inflated by themselves. */
#define OFFER                                                                          \
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "       \
    "client_no_context_takeover\r\n"

static char inbox[READ_SIZE];
char unexpected[256];

int dial(const char *host, int port, int receive_buffer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (receive_buffer)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) {
        perror("connect");
        exit(1);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

bool send_all(int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return false;
        if (sent > 0) {
            bytes += sent;
            size -= (size_t)sent;
        }
    }
    return true;
}

static void send_message(struct client *client, enum protocol protocol, int opcode,
                         const char *bytes, size_t size)
{
    char frame[size + 14];
    if (protocol == WEBSOCKET) {
        size = mask_frame(frame, opcode, bytes, size);
        bytes = frame;
    }
    send_all(client->fd, bytes, size);
}

/* Send what the script says up to the next text to wait for. */
static void advance(struct client *client, const struct script *script)
{
    for (; client->step < script->step_count; client->step++) {
        struct text step = script->steps[client->step];
        if (step.bytes[0] == '<')
            return;
        struct text filled = fill(step, client->index, script->cohorts);
        send_message(client, script->protocol, 1, filled.bytes + 1, filled.size - 1);
        free(filled.bytes);
    }
    client->state = READY;
}

void client_open(struct client *client, const struct script *script, int index,
                 int receive_buffer)
{
    *client = (struct client){.index = index, .state = SHAKING};
    client->fd = dial(script->host, script->port, receive_buffer);
    if (script->protocol == MQTT) {
        client->state = STARTING;
        advance(client, script);
        return;
    }
    struct text path = fill(script->path, index, script->cohorts);
    char request[1024];
    int size = snprintf(request, sizeof request,
                        "GET %.*s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: ZmVlZHN2YyBiZW5jaCAwMQ==\r\n"
                        "%s"
                        "Origin: http://%s:%d\r\n\r\n",
                        (int)path.size, path.bytes, script->host, script->port,
                        script->deflates ? OFFER : "", script->host, script->port);
    send_all(client->fd, request, (size_t)size);
    free(path.bytes);
}

/* Return the size of the answer's head, 0 while it is incomplete. */
static size_t shake(struct client *client, const struct script *script,
                    const char *data, size_t size)
{
    char *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end)
        return 0;
    if (size < 12 || memcmp(data + 9, "101", 3)) {
        fprintf(stderr, "client %d: handshake refused: %.*s\n", client->index,
                (int)(end - data), data);
        exit(1);
    }
    client->state = STARTING;
    advance(client, script);
    return (size_t)(end + 4 - data);
}

static void message(struct client *client, const struct script *script,
                    struct tally *tally, struct frame frame, double now)
{
    if (client->state == STARTING) {
        if (frame.deflated)
            frame = inflated(frame);
        struct text wanted = script->steps[client->step];
        if (!contains(frame.bytes, frame.size,
                      (struct text){wanted.bytes + 1, wanted.size - 1})) {
            int size = frame.size < 200 ? (int)frame.size : 200;
            snprintf(unexpected, sizeof unexpected, "%.*s", size, frame.bytes);
            return;
        }
        client->step++;
        advance(client, script);
    } else if (script->asked.size && frame.size == script->asked.size &&
               !memcmp(frame.bytes, script->asked.bytes, frame.size)) {
        send_message(client, script->protocol, 1, script->reply.bytes,
                     script->reply.size);
    } else {
        tally_frame(tally, &client->progress, frame, now);
    }
}

/* Act on each whole frame; return the bytes used, count the messages. */
static size_t consume(struct client *client, const struct script *script,
                      struct tally *tally, const char *data, size_t size, int *count,
                      double now)
{
    size_t used = 0, step;
    struct frame frame;
    if (client->state == SHAKING && !(used = shake(client, script, data, size)))
        return 0;
    while ((step = next_frame(script->protocol, data + used, size - used, &frame))) {
        used += step;
        if (frame.kind == PING)
            send_message(client, script->protocol, 10, frame.bytes, frame.size);
        if (frame.kind == CLOSE)
            client->state = CLOSED;
        if (frame.kind != MESSAGE)
            continue;
        message(client, script, tally, frame, now);
        ++*count;
    }
    return used;
}

/* Keep the beginning of an unfinished frame for the next read. */
static void keep(struct text *rest, const char *data, size_t size)
{
    char *bytes = size ? malloc(size) : NULL;
    if (size)
        memcpy(bytes, data, size);
    free(rest->bytes);
    *rest = (struct text){bytes, size};
}

int client_read(struct client *client, const struct script *script,
                struct tally *tally, double now)
{
    size_t before = client->rest.size;
    if (before)
        memcpy(inbox, client->rest.bytes, before);
    ssize_t got = recv(client->fd, inbox + before, READ_SIZE - before, 0);
    if (got < 0 && errno == EAGAIN)
        return 0;
    int count = 0;
    if (got <= 0) {
        client->state = CLOSED;
        return 0;
    }
    size_t size = before + (size_t)got;
    size_t used = consume(client, script, tally, inbox, size, &count, now);
    if (before || used < size)
        keep(&client->rest, inbox + used, size - used);
    return count;
}
