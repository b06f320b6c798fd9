/* One subscriber: its connection, its start-up script, the frames it reads. */
#ifndef CLIENT_H
#define CLIENT_H

#include "tally.h"
#include "wire.h"

#define STEPS 8

/* How the clients of one protocol get from a TCP connection to a subscription. */
struct script {
    enum protocol protocol;
    const char *host;
    int port;
    struct text path;         /* of the WebSocket */
    struct text steps[STEPS]; /* `>` sends the rest of the text, `<` waits for it */
    int step_count;
    struct text asked, reply; /* an application's ping and pong, if it has them */
    bool deflates;            /* offer compression, as browsers do */
    int cohorts;              /* {k} in path and steps runs through 0..cohorts-1 */
};

enum state { SHAKING, STARTING, READY, CLOSED };

struct client {
    int fd, index, step;
    enum state state;
    struct text rest; /* the beginning of a frame whose end has not come */
    struct progress progress;
};

/* The last message that a script did not wait for: why nobody gets subscribed. */
extern char unexpected[256];

/* Open a TCP connection to the server; end the program if that fails. */
int dial(const char *host, int port, int receive_buffer);

/* Send all of it; false if the connection is gone. */
bool send_all(int fd, const char *bytes, size_t size);

/* Connect and begin the handshake; a small receive buffer (0: the default) fills soon. */
void client_open(struct client *client, const struct script *script, int index,
                 int receive_buffer);

/* Read once and act on each frame; return how many frames carried messages. */
int client_read(struct client *client, const struct script *script,
                struct tally *tally, double now);

#endif
