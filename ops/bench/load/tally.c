#define _GNU_SOURCE
#include "tally.h"

#include <stdlib.h>
#include <string.h>

#define MEMO 16
#define ITEMS_PER_FRAME 65536

/* Most clients get the same bytes, so a frame is scanned once and then recognised. */
static struct scan {
    char *bytes;
    size_t size, room;
    bool deflated;
    int *items;
    int count;
} memo[MEMO];

void tally_init(struct tally *tally, int capacity, int live)
{
    *tally = (struct tally){.capacity = capacity, .live = live};
    tally->missing = calloc((size_t)capacity, sizeof *tally->missing);
    tally->sent_at = calloc((size_t)capacity, sizeof *tally->sent_at);
    tally->done_at = calloc((size_t)capacity, sizeof *tally->done_at);
}

int tally_publish(struct tally *tally, double now)
{
    int item = tally->published++;
    tally->missing[item] = tally->live;
    tally->sent_at[item] = now;
    return item;
}

/* Find every `seq`, then `":` (escaped or not), then digits. */
static void find_items(struct scan *scan, struct frame frame)
{
    scan->count = 0;
    const char *at = frame.bytes, *end = frame.bytes + frame.size;
    while ((at = memmem(at, (size_t)(end - at), "seq", 3))) {
        at += 3;
        while (at < end && (*at == '\\' || *at == '"' || *at == ':'))
            at++;
        if (at == end || *at < '0' || *at > '9' || scan->count == ITEMS_PER_FRAME)
            continue;
        int item = 0;
        while (at < end && *at >= '0' && *at <= '9')
            item = item * 10 + *at++ - '0';
        scan->items[scan->count++] = item;
    }
}

static void scan_frame(struct scan *scan, struct frame frame)
{
    if (scan->room < frame.size) {
        scan->bytes = realloc(scan->bytes, frame.size);
        scan->room = frame.size;
    }
    if (!scan->items)
        scan->items = malloc(ITEMS_PER_FRAME * sizeof *scan->items);
    memcpy(scan->bytes, frame.bytes, frame.size);
    scan->size = frame.size;
    scan->deflated = frame.deflated;
    find_items(scan, frame.deflated ? inflated(frame) : frame);
}

static bool is_scanned(const struct scan *scan, struct frame frame)
{
    return scan->size == frame.size && scan->deflated == frame.deflated &&
           !memcmp(scan->bytes, frame.bytes, frame.size);
}

static struct scan *look_up(struct frame frame)
{
    static int turn;
    for (int i = 0; i < MEMO; i++)
        if (is_scanned(&memo[i], frame))
            return &memo[i];
    struct scan *scan = &memo[turn = (turn + 1) % MEMO];
    scan_frame(scan, frame);
    return scan;
}

static bool has(const struct progress *progress, int item)
{
    if (!progress->seen)
        return item < progress->next;
    return progress->seen[item / 8] >> item % 8 & 1;
}

static void keep_bits(struct tally *tally, struct progress *progress)
{
    progress->seen = calloc((size_t)tally->capacity / 8 + 1, 1);
    for (int item = 0; item < progress->next; item++)
        progress->seen[item / 8] |= (unsigned char)(1 << item % 8);
}

static void arrive(struct tally *tally, struct progress *progress, int item, double now)
{
    if (item >= tally->published)
        return; /* not ours: a leftover of an earlier run */
    if (item != progress->next && !progress->seen)
        keep_bits(tally, progress);
    if (has(progress, item)) {
        tally->duplicated++;
        return;
    }
    if (progress->seen)
        progress->seen[item / 8] |= (unsigned char)(1 << item % 8);
    if (item < progress->next)
        tally->out_of_order++;
    else
        progress->next = item + 1;
    tally->deliveries++;
    if (--tally->missing[item] == 0) {
        tally->done++;
        tally->done_at[item] = now;
    }
}

void tally_frame(struct tally *tally, struct progress *progress, struct frame frame,
                 double now)
{
    const struct scan *scan = look_up(frame);
    for (int i = 0; i < scan->count; i++)
        arrive(tally, progress, scan->items[i], now);
}

void tally_leave(struct tally *tally, struct progress *progress)
{
    tally->live--;
    int first = progress->seen ? 0 : progress->next;
    for (int item = first; item < tally->published; item++) {
        if (has(progress, item))
            continue;
        tally->lost++;
        if (--tally->missing[item] == 0)
            tally->done++; /* the rest may go on, but it has no latency */
    }
}

void tally_give_up(struct tally *tally)
{
    for (int item = 0; item < tally->published; item++) {
        if (tally->missing[item] > 0)
            tally->lost += tally->missing[item];
        tally->missing[item] = 0;
    }
    tally->done = tally->published;
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

int tally_latencies(const struct tally *tally, int first, double *out)
{
    int count = 0;
    for (int item = first; item < tally->published; item++)
        if (tally->done_at[item] > 0)
            out[count++] = (tally->done_at[item] - tally->sent_at[item]) * 1e3;
    qsort(out, (size_t)count, sizeof *out, by_value);
    return count;
}
