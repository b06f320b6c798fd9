#define _GNU_SOURCE
#include "wire.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static size_t next_websocket(const unsigned char *data, size_t size,
                             struct frame *frame)
{
    if (size < 2)
        return 0;
    size_t head = 2, length = data[1] & 0x7f;
    size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (size < head + extra)
        return 0;
    if (extra)
        length = 0;
    for (size_t i = 0; i < extra; i++)
        length = length << 8 | data[head++];
    if (size - head < length)
        return 0;
    int opcode = data[0] & 0x0f;
    frame->kind = opcode == 9   ? PING
                  : opcode == 8 ? CLOSE
                  : opcode < 3  ? MESSAGE
                                : OTHER;
    frame->bytes = (const char *)data + head;
    frame->size = length;
    frame->deflated = data[0] & 0x40;
    return head + length;
}

static size_t next_mqtt(const unsigned char *data, size_t size, struct frame *frame)
{
    size_t length = 0, head = 1;
    for (int shift = 0;; shift += 7) {
        if (head >= size)
            return 0;
        length |= (size_t)(data[head] & 0x7f) << shift;
        if (!(data[head++] & 0x80))
            break;
    }
    if (size - head < length)
        return 0;
    frame->kind = MESSAGE;
    frame->bytes = (const char *)data;
    frame->size = head + length;
    frame->deflated = false;
    return head + length;
}

size_t next_frame(enum protocol protocol, const char *data, size_t size,
                  struct frame *frame)
{
    const unsigned char *bytes = (const unsigned char *)data;
    return protocol == MQTT ? next_mqtt(bytes, size, frame)
                            : next_websocket(bytes, size, frame);
}

struct frame inflated(struct frame frame)
{
    static char message[1 << 20];
    static z_stream stream;
    if (!stream.state && inflateInit2(&stream, -15) != Z_OK)
        exit(1);
    inflateReset(&stream);
    stream.next_out = (unsigned char *)message;
    stream.avail_out = sizeof message;
    struct text parts[] = {{(char *)frame.bytes, frame.size}, {"\0\0\xff\xff", 4}};
    for (int i = 0; i < 2; i++) {
        stream.next_in = (unsigned char *)parts[i].bytes;
        stream.avail_in = (unsigned)parts[i].size;
        if (inflate(&stream, Z_SYNC_FLUSH) != Z_OK || stream.avail_in) {
            fprintf(stderr, "load: a compressed frame is broken\n");
            exit(1);
        }
    }
    return (struct frame){MESSAGE, message, sizeof message - stream.avail_out, false};
}

size_t mask_frame(char *out, int opcode, const char *payload, size_t size)
{
    size_t head = 0;
    out[head++] = (char)(0x80 | opcode);
    if (size < 126) {
        out[head++] = (char)(0x80 | size);
    } else {
        out[head++] = (char)(0x80 | 126);
        out[head++] = (char)(size >> 8);
        out[head++] = (char)size;
    }
    memset(out + head, 0, 4); /* a key of zeros is legal and leaves the payload */
    memcpy(out + head + 4, payload, size);
    return head + 4 + size;
}

struct text unescape(const char *source)
{
    struct text text = {malloc(strlen(source) + 1), 0};
    for (const char *at = source; *at; at++) {
        char byte = *at;
        if (byte == '\\' && at[1]) {
            at++;
            byte = *at == 'r' ? '\r' : *at == 'n' ? '\n' : *at;
            if (*at == 'x' && at[1] && at[2]) {
                byte = (char)strtol((char[]){at[1], at[2], 0}, NULL, 16);
                at += 2;
            }
        }
        text.bytes[text.size++] = byte;
    }
    return text;
}

static void replace(struct text *text, const char *name, const char *value)
{
    size_t old = strlen(name), new = strlen(value);
    char *at;
    while ((at = memmem(text->bytes, text->size, name, old))) {
        size_t before = (size_t)(at - text->bytes);
        char *bytes = malloc(text->size - old + new + 1);
        memcpy(bytes, text->bytes, before);
        memcpy(bytes + before, value, new);
        memcpy(bytes + before + new, at + old, text->size - before - old);
        free(text->bytes);
        text->bytes = bytes;
        text->size += new - old;
    }
}

struct text fill(struct text pattern, int index, int cohorts)
{
    struct text text = {malloc(pattern.size + 1), pattern.size};
    memcpy(text.bytes, pattern.bytes, pattern.size);
    char id[16], cohort[16];
    snprintf(id, sizeof id, "c%07d", index % 10000000); /* MQTT counts its 8 bytes */
    snprintf(cohort, sizeof cohort, "%d", index % cohorts);
    replace(&text, "{id}", id);
    replace(&text, "{k}", cohort);
    return text;
}

bool contains(const char *bytes, size_t size, struct text wanted)
{
    return memmem(bytes, size, wanted.bytes, wanted.size) != NULL;
}
