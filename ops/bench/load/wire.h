/* Frames and texts on the wire: what a client of each protocol sends and reads. */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>

enum protocol { WEBSOCKET, MQTT };
enum kind { MESSAGE, PING, CLOSE, OTHER };

struct frame {
    enum kind kind;
    const char *bytes; /* the payload (WebSocket) or the whole packet (MQTT) */
    size_t size;
    bool deflated; /* permessage-deflate, RFC 7692 */
};

/* A byte string that may hold zeros. */
struct text {
    char *bytes;
    size_t size;
};

/* Cut the next frame off data; return the bytes it took, 0 if incomplete. */
size_t next_frame(enum protocol protocol, const char *data, size_t size,
                  struct frame *frame);

/* Return the message of a deflated frame, good until the next call. */
struct frame inflated(struct frame frame);

/* Write a masked WebSocket frame into out (size + 14 bytes); return its size. */
size_t mask_frame(char *out, int opcode, const char *payload, size_t size);

/* Decode \r \n \\ and \xNN. */
struct text unescape(const char *source);

/* Put a client's id for {id} and its cohort for {k}; the result is the caller's. */
struct text fill(struct text pattern, int index, int cohorts);

bool contains(const char *bytes, size_t size, struct text wanted);

#endif
