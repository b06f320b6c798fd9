/* What arrived: which items each client has, and when the last client had each. */
#ifndef TALLY_H
#define TALLY_H

#include <stdbool.h>
#include <stddef.h>

#include "wire.h"

/* The items that one client has; most clients only ever count `next` up. */
struct progress {
    int next;            /* every item below it has arrived, unless `seen` is set */
    unsigned char *seen; /* a bit an item, made at the first that breaks the order */
};

struct tally {
    int capacity;        /* items that there is room for */
    int published, done; /* items sent, items that all live clients have */
    int live;            /* clients that still read */
    int *missing;        /* of each item: how many live clients lack it */
    double *sent_at, *done_at;
    long deliveries, lost, duplicated, out_of_order;
};

void tally_init(struct tally *tally, int capacity, int live);

/* Note that the next item leaves now; return its number. */
int tally_publish(struct tally *tally, double now);

/* Count every item in one frame for one client. */
void tally_frame(struct tally *tally, struct progress *progress, struct frame frame,
                 double now);

/* Count what a client that closed will never get. */
void tally_leave(struct tally *tally, struct progress *progress);

/* Count what has still not come as lost, so that the next measurement starts even. */
void tally_give_up(struct tally *tally);

/* Sort the latencies of items first.. in ms into out; return how many there are. */
int tally_latencies(const struct tally *tally, int first, double *out);

#endif
