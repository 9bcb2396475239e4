/* Convolution of few channels, relu and max-pooling in one: the first block of a
   network for pictures.

   y = relu(max of 2 x 2 neighbours of (W * x + b)), without padding, strides of 1.
   What the convolution gives is four times as large as y, never written, and not asked
   for on the way back: `places` says which of the four was the largest. */

#include <omp.h>

#include "vectors.h"

/* Vectors of filters that share what is read of a picture: as the registers allow. */
#if BYTES == 64
#define TOGETHER 2
#else
#define TOGETHER 1
#endif

#define CUT 4 /* in `places`: relu gave zero, no slope goes back */

/* Pictures are (height, width, channels), weights (filters, kernel, kernel, channels),
   y, its slope and places (pictures, pooled height, pooled width, filters). */
struct convolution_block {
    int64_t pictures, height, width, channels, filters, kernel, threads;
    const float *x, *weights, *bias;
    float *y;
    uint8_t *places;
    const float *y_slope;
    float *weights_slope, *bias_slope;
};

typedef uint8_t small __attribute__((vector_size(BYTES / sizeof(float))));

INLINE integers number(int32_t value) {
    return (integers){0} + value;
}

INLINE vector where(integers chosen, vector one, vector other) {
    return (vector)((chosen & (integers)one) | (~chosen & (integers)other));
}

INLINE integers load_places(const uint8_t *from, int64_t count) {
    small places = {0};
    memcpy(&places, from, (size_t)smaller(count, WIDTH));
    return __builtin_convertvector(places, integers);
}

INLINE void store_places(uint8_t *to, integers places, int64_t count) {
    const small narrow = __builtin_convertvector(places, small);
    memcpy(to, &narrow, (size_t)smaller(count, WIDTH));
}

/* The largest of four, NaN being larger than all, as torch has it; then relu. */
INLINE void pool(const vector sums[4], float *y, uint8_t *places, int64_t count) {
    vector best = sums[0];
    integers place = number(0);
#pragma GCC unroll 4
    for (int k = 1; k < 4; k++) {
        const integers better = (sums[k] > best) | (sums[k] != sums[k]);
        best = where(better, sums[k], best);
        place = (better & number(k)) | (~better & place);
    }
    const integers cut = best <= spread(0.0f);
    store(y, where(cut, spread(0.0f), best), count);
    store_places(places, (cut & number(CUT)) | (~cut & place), count);
}

/* `pairs` neighbouring windows of the pooling, for `blocks` vectors of filters, whose
   weights lie `next` apart; `taps` numbers of a row of the picture lie under a row of
   the weights. */
INLINE void windows_forward(const int taps, const int pairs, const int blocks,
                            const struct convolution_block *a, const float *corner,
                            const float *weights, int64_t next, int64_t filter,
                            int64_t at) {
    vector sums[2][2][4];
#pragma GCC unroll 2
    for (int block = 0; block < blocks; block++) {
        const int64_t first = filter + block * WIDTH;
        const vector bias = load(a->bias + first, a->filters - first);
#pragma GCC unroll 2
        for (int pair = 0; pair < pairs; pair++)
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++) sums[block][pair][k] = bias;
    }
    const int64_t apart = a->width * a->channels;
    for (int64_t row = 0; row < a->kernel; row++) {
        const float *above = corner + row * apart, *below = above + apart;
#pragma GCC unroll 16
        for (int t = 0; t < taps; t++) {
            const float *those = weights + (row * taps + t) * WIDTH;
#pragma GCC unroll 2
            for (int pair = 0; pair < pairs; pair++)
#pragma GCC unroll 2
                for (int side = 0; side < 2; side++) {
                    const int64_t under = (2 * pair + side) * a->channels + t;
                    const vector upper = spread(above[under]);
                    const vector lower = spread(below[under]);
#pragma GCC unroll 2
                    for (int block = 0; block < blocks; block++) {
                        const vector weight = *(const vector *)(those + block * next);
                        sums[block][pair][side] += upper * weight;
                        sums[block][pair][2 + side] += lower * weight;
                    }
                }
        }
    }
#pragma GCC unroll 2
    for (int block = 0; block < blocks; block++)
#pragma GCC unroll 2
        for (int pair = 0; pair < pairs; pair++) {
            const int64_t to = at + pair * a->filters + block * WIDTH;
            pool(sums[block][pair], a->y + to, a->places + to,
                 a->filters - filter - block * WIDTH);
        }
}

/* A row of y; `line` counts them through all pictures. */
INLINE void line_forward(const int taps, const struct convolution_block *a,
                         const float *weights, int64_t line) {
    const int64_t lines = (a->height - a->kernel + 1) / 2;
    const int64_t windows = (a->width - a->kernel + 1) / 2, filters = a->filters;
    const int64_t columns = a->kernel * taps, top = line % lines * 2;
    const int64_t next = columns * WIDTH;
    const float *first =
        a->x + (line / lines * a->height + top) * a->width * a->channels;
    for (int64_t filter = 0, done; filter < filters; filter += done) {
        const float *those = weights + filter * columns;
        const int two = TOGETHER == 2 && filter + WIDTH < filters;
        done = two ? 2 * WIDTH : WIDTH;
        for (int64_t window = 0; window < windows; window += 2) {
            const float *corner = first + window * 2 * a->channels;
            const int64_t at = (line * windows + window) * filters + filter;
            const int pair = window + 1 < windows;
            if (two && pair)
                windows_forward(taps, 2, 2, a, corner, those, next, filter, at);
            else if (two)
                windows_forward(taps, 1, 2, a, corner, those, next, filter, at);
            else if (pair)
                windows_forward(taps, 2, 1, a, corner, those, next, filter, at);
            else
                windows_forward(taps, 1, 1, a, corner, those, next, filter, at);
        }
    }
}

/* What a row of y tells of `rows` rows of the weights, for `blocks` vectors of filters.
   Their slopes lie `next` apart, that of the bias behind those of the weights. */
INLINE void windows_backward(const int taps, const int rows, const int blocks,
                             const struct convolution_block *a, const float *first,
                             int64_t at, int64_t count, float *slopes, int64_t next,
                             float *bias_slopes) {
    const int64_t windows = (a->width - a->kernel + 1) / 2;
    const int64_t apart = a->width * a->channels;
    vector sums[2][27], bias[2];
#pragma GCC unroll 2
    for (int block = 0; block < blocks; block++) {
        bias[block] = bias_slopes ? *(vector *)(bias_slopes + block * next) : spread(0.0f);
#pragma GCC unroll 32
        for (int k = 0; k < rows * taps; k++)
            sums[block][k] = *(vector *)(slopes + block * next + k * WIDTH);
    }
    for (int64_t window = 0; window < windows; window++, at += a->filters) {
        integers places[2];
        vector slope[2];
#pragma GCC unroll 2
        for (int block = 0; block < blocks; block++) {
            const int64_t from = at + block * WIDTH, left = count - block * WIDTH;
            places[block] = load_places(a->places + from, left);
            slope[block] = load(a->y_slope + from, left);
        }
        const float *corner = first + window * 2 * a->channels;
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            const float *under = corner + (k / 2) * apart + (k % 2) * a->channels;
            vector mine[2];
#pragma GCC unroll 2
            for (int block = 0; block < blocks; block++) {
                const integers chosen = places[block] == number(k);
                mine[block] = (vector)(chosen & (integers)slope[block]);
                bias[block] += mine[block];
            }
#pragma GCC unroll 8
            for (int row = 0; row < rows; row++)
#pragma GCC unroll 16
                for (int t = 0; t < taps; t++) {
                    const vector factor = spread(under[row * apart + t]);
#pragma GCC unroll 2
                    for (int block = 0; block < blocks; block++)
                        sums[block][row * taps + t] += factor * mine[block];
                }
        }
    }
#pragma GCC unroll 2
    for (int block = 0; block < blocks; block++) {
        if (bias_slopes) *(vector *)(bias_slopes + block * next) = bias[block];
#pragma GCC unroll 32
        for (int k = 0; k < rows * taps; k++)
            *(vector *)(slopes + block * next + k * WIDTH) = sums[block][k];
    }
}

/* `slopes` is laid out as the packed weights, a vector for the bias behind each block. */
INLINE void line_backward(const int taps, const int rows, const int rows_of_two,
                          const struct convolution_block *a, float *slopes,
                          int64_t line) {
    const int64_t lines = (a->height - a->kernel + 1) / 2;
    const int64_t windows = (a->width - a->kernel + 1) / 2, filters = a->filters;
    const int64_t columns = a->kernel * taps, top = line % lines * 2;
    const int64_t next = (columns + 1) * WIDTH;
    for (int64_t filter = 0, done; filter < filters; filter += done) {
        float *those = slopes + filter * (columns + 1);
        const int64_t at = line * windows * filters + filter;
        const int two = rows_of_two && filter + WIDTH < filters;
        const int step = two ? rows_of_two : rows;
        done = two ? 2 * WIDTH : WIDTH;
        for (int64_t row = 0; row < a->kernel; row += step) {
            const float *first = a->x + (line / lines * a->height + top + row) *
                                            a->width * a->channels;
            float *bias = row ? NULL : those + columns * WIDTH;
            float *to = those + row * taps * WIDTH;
            if (two)
                windows_backward(taps, rows_of_two, 2, a, first, at, filters - filter,
                                 to, next, bias);
            else
                windows_backward(taps, rows, 1, a, first, at, filters - filter, to, next,
                                 bias);
        }
    }
}

/* Compiled once for each number of taps. How many rows of the weights have their sums in
   registers at once, for one vector of filters and for two; 0 for never two. */
#define ROWS_OF_ONE(kernel, taps) (BYTES == 64 && (kernel) * (taps) <= 27 ? (kernel) : 1)
#define ROWS_OF_TWO(kernel, taps) \
    (TOGETHER == 2 && (kernel) * (taps) <= 13 ? (kernel) : 0)
#define LINES(kernel, taps)                                                              \
    static void forward_##kernel##_##taps(const struct convolution_block *a,             \
                                          const float *weights, int64_t first,           \
                                          int64_t last) {                                \
        for (; first < last; first++) line_forward(taps, a, weights, first);             \
    }                                                                                    \
    static void backward_##kernel##_##taps(const struct convolution_block *a,            \
                                           float *slopes, int64_t first, int64_t last) { \
        for (; first < last; first++)                                                    \
            line_backward(taps, ROWS_OF_ONE(kernel, taps), ROWS_OF_TWO(kernel, taps), a, \
                          slopes, first);                                                \
    }
#define FOR_EACH_KIND(USE) USE(3, 3) USE(3, 9) USE(5, 5) USE(5, 15)
FOR_EACH_KIND(LINES)

/* Bytes of a vector: with fewer than 64, torch's own convolution was as fast. */
int mica_convolution_block_bytes(void) {
    return BYTES;
}

int mica_convolution_block_forward(const struct convolution_block *a) {
    const int64_t columns = a->kernel * a->kernel * a->channels;
    const int64_t all = a->pictures * ((a->height - a->kernel + 1) / 2);
    float *weights = packed_forward(a->weights, 1, a->filters, columns);
    if (!weights) return 1;
#pragma omp parallel num_threads((int)a->threads)
    {
        const int64_t me = omp_get_thread_num(), of = omp_get_num_threads();
        const int64_t first = me * all / of, last = (me + 1) * all / of;
#define CASE(size, taps)                                           \
    if (a->kernel == size && a->channels * size == taps)           \
        forward_##size##_##taps(a, weights, first, last);
        FOR_EACH_KIND(CASE)
#undef CASE
    }
    free(weights);
    return 0;
}

int mica_convolution_block_backward(const struct convolution_block *a) {
    const int64_t columns = a->kernel * a->kernel * a->channels;
    const int64_t all = a->pictures * ((a->height - a->kernel + 1) / 2);
    const int64_t size = blocks_of(a->filters) * WIDTH * (columns + 1);
    float *slopes = zeros(size * a->threads);
    if (!slopes) return 1;
#pragma omp parallel num_threads((int)a->threads)
    {
        const int64_t me = omp_get_thread_num(), of = omp_get_num_threads();
        const int64_t first = me * all / of, last = (me + 1) * all / of;
        float *own = slopes + me * size;
#define CASE(size, taps)                                           \
    if (a->kernel == size && a->channels * size == taps)           \
        backward_##size##_##taps(a, own, first, last);
        FOR_EACH_KIND(CASE)
#undef CASE
    }
    for (int64_t thread = 1; thread < a->threads; thread++)
        for (int64_t k = 0; k < size; k++) slopes[k] += slopes[thread * size + k];
    for (int64_t filter = 0; filter < a->filters; filter++) {
        const float *from = slopes + filter / WIDTH * WIDTH * (columns + 1);
        for (int64_t k = 0; k < columns; k++)
            a->weights_slope[filter * columns + k] = from[k * WIDTH + filter % WIDTH];
        a->bias_slope[filter] = from[columns * WIDTH + filter % WIDTH];
    }
    free(slopes);
    return 0;
}
