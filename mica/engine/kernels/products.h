/* The derivatives by weights: over all rows and steps, what a step saw times the
   derivative by its gates, added up while both are still in the cache. */

#ifndef MICA_PRODUCTS_H
#define MICA_PRODUCTS_H

#include "vectors.h"

#define STEPS 8 /* whose slopes are kept until they are added up */
#define PAIRS (ROWS_TOGETHER * STEPS)

/* One of a thread's products. `seen` has PAIRS lines of `width`: the numbers, a one for
   the bias, zeros up to whole tiles. `totals` has `width` lines of `padded`. */
struct product {
    int64_t inputs, width, first, columns, padded;
    float *seen, *totals;
};

INLINE struct product product_of(int64_t inputs, int64_t first, int64_t columns) {
    const int64_t width = (inputs + 1 + ROWS - 1) / ROWS * ROWS;
    return (struct product){inputs, width, first, columns, blocks_of(columns) * WIDTH,
                            NULL, NULL};
}

INLINE int64_t room_of(const struct product *p) {
    return (p->width * (PAIRS + p->padded) + WIDTH - 1) / WIDTH * WIDTH;
}

/* Give a product its memory, which is zero; what follows is free. */
INLINE float *place(struct product *p, float *memory) {
    p->totals = memory;
    p->seen = memory + p->width * p->padded;
    for (int64_t k = 0; k < PAIRS; k++) p->seen[k * p->width + p->inputs] = 1.0f;
    return memory + room_of(p);
}

INLINE void see(const struct product *p, int64_t pair, const float *from) {
    memcpy(p->seen + pair * p->width, from, (size_t)p->inputs * sizeof(float));
}

INLINE void add_columns(const int streams, const struct product *p, int64_t column,
                        const float *slopes, int64_t apart, int64_t pairs) {
    for (int64_t line = 0; line < p->width; line += ROWS) {
        vector sums[ROWS][STREAMS] = {{{0}}};
        for (int64_t k = 0; k < pairs; k++) {
            const float *seen = p->seen + k * p->width + line;
            const float *right = slopes + k * apart + p->first + column;
            vector weights[STREAMS];
#pragma GCC unroll 8
            for (int v = 0; v < streams; v++) weights[v] = load(right + v * WIDTH, WIDTH);
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) {
                const vector factor = spread(seen[r]);
#pragma GCC unroll 8
                for (int v = 0; v < streams; v++) sums[r][v] += factor * weights[v];
            }
        }
        float *to = p->totals + line * p->padded + column;
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 8
            for (int v = 0; v < streams; v++) {
                float *at = to + r * p->padded + v * WIDTH;
                store(at, load(at, WIDTH) + sums[r][v], WIDTH);
            }
    }
}

/* Columns behind the last are computed too, from whatever lies there, and not used. */
static void add_products(const struct product *p, const float *slopes, int64_t apart,
                         int64_t pairs) {
    for (int64_t column = 0, done; column < p->padded; column += done * WIDTH) {
        done = streams_of_group((p->padded - column) / WIDTH);
        if (done == STREAMS)
            add_columns(STREAMS, p, column, slopes, apart, pairs);
        else if (done == 2)
            add_columns(2, p, column, slopes, apart, pairs);
        else
            add_columns(1, p, column, slopes, apart, pairs);
    }
}

/* All threads' totals, in order, turned to (columns, inputs) and (columns,). */
static void sum_products(const struct product *p, const float *totals,
                         int64_t threads_apart, int64_t threads, float *weights,
                         float *bias) {
    for (int64_t column = 0; column < p->columns; column++)
        for (int64_t line = 0; line <= p->inputs; line++) {
            float sum = 0.0f;
            for (int64_t thread = 0; thread < threads; thread++)
                sum += totals[thread * threads_apart + line * p->padded + column];
            if (line < p->inputs)
                weights[column * p->inputs + line] = sum;
            else
                bias[column] = sum;
        }
}

#endif
