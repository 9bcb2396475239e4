/* Vectors of numbers, and the tile of a matrix product that every recurrence is made of.

   Written with the vector types that gcc and clang share, so that one text becomes
   AVX-512, AVX2, SSE or NEON by -march alone. */

#ifndef MICA_VECTORS_H
#define MICA_VECTORS_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* ROWS rows times STREAMS vectors of sums: what the registers hold. */
#if defined(__AVX512F__)
#define BYTES 64
#define ROWS 6
#elif defined(__AVX__)
#define BYTES 32
#define ROWS 3
#elif defined(__aarch64__)
#define BYTES 16
#define ROWS 6
#else
#define BYTES 16
#define ROWS 3
#endif

#define STREAMS 4
#define WIDTH ((int64_t)(BYTES / sizeof(float)))
#define ROWS_TOGETHER (2 * ROWS) /* two tiles: one's sums hide the other's waiting */
#define INLINE static inline __attribute__((always_inline))

typedef float vector __attribute__((vector_size(BYTES)));
typedef int32_t integers __attribute__((vector_size(BYTES)));
typedef float loose __attribute__((vector_size(BYTES), aligned(4), may_alias));

INLINE int64_t smaller(int64_t one, int64_t other) {
    return one < other ? one : other;
}

INLINE int64_t blocks_of(int64_t units) {
    return (units + WIDTH - 1) / WIDTH;
}

INLINE vector spread(float value) {
    return (vector){0} + value;
}

/* The first `count` numbers; zeros behind them. */
INLINE vector load(const float *from, int64_t count) {
    if (count >= WIDTH) return (vector)*(const loose *)from;
#if defined(__AVX512F__)
    return (vector)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), from);
#elif defined(__AVX__)
    const integers places = {0, 1, 2, 3, 4, 5, 6, 7};
    return (vector)_mm256_maskload_ps(from, (__m256i)(places < (int32_t)count));
#else
    vector value = {0};
    for (int64_t k = 0; k < count; k++) value[k] = from[k];
    return value;
#endif
}

INLINE void store(float *to, vector value, int64_t count) {
    if (count >= WIDTH) {
        *(loose *)to = (loose)value;
        return;
    }
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), (__m512)value);
#elif defined(__AVX__)
    const integers places = {0, 1, 2, 3, 4, 5, 6, 7};
    _mm256_maskstore_ps(to, (__m256i)(places < (int32_t)count), (__m256)value);
#else
    for (int64_t k = 0; k < count; k++) to[k] = value[k];
#endif
}

/* The larger and the smaller of two; a NaN in `value` stays one. */
#if defined(__AVX512F__)
INLINE vector at_least(float low, vector value) {
    return (vector)_mm512_max_ps((__m512)spread(low), (__m512)value);
}
INLINE vector at_most(float high, vector value) {
    return (vector)_mm512_min_ps((__m512)spread(high), (__m512)value);
}
#elif defined(__AVX__)
INLINE vector at_least(float low, vector value) {
    return (vector)_mm256_max_ps((__m256)spread(low), (__m256)value);
}
INLINE vector at_most(float high, vector value) {
    return (vector)_mm256_min_ps((__m256)spread(high), (__m256)value);
}
#else
INLINE vector choose(integers where, vector one, vector other) {
    return (vector)((where & (integers)one) | (~where & (integers)other));
}
INLINE vector at_least(float low, vector value) {
    return choose(value < spread(low), spread(low), value);
}
INLINE vector at_most(float high, vector value) {
    return choose(value > spread(high), spread(high), value);
}
#endif

/* 1 / value for values from 1 to exp(80): a guess of 14 bits and one step of Newton. */
INLINE vector inverse(vector value) {
#if defined(__AVX512F__)
    const vector guess = (vector)_mm512_rcp14_ps((__m512)value);
    return guess + guess * (1.0f - value * guess);
#else
    return 1.0f / value;
#endif
}

INLINE vector divide(vector above, vector below) {
#if defined(__AVX512F__)
    const vector each = inverse(below), share = above * each;
    return share + (above - share * below) * each;
#else
    return above / below;
#endif
}

/* Numbers below 1e-38 count as zero from here on: some processors take a hundred times
   as long for them, and gradients far back in time are full of them. */
INLINE uint64_t flush_smallest(void) {
#if defined(__x86_64__)
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040);
    return before;
#elif defined(__aarch64__)
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | (1u << 24)));
    return before;
#else
    return 0;
#endif
}

INLINE void keep_smallest(uint64_t before) {
#if defined(__x86_64__)
    _mm_setcsr((unsigned)before);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(before));
#else
    (void)before;
#endif
}

/* Whether no number is infinite or NaN; whether all are zero. */
INLINE int are_finite(const float *from, int64_t count) {
    float sum = 0.0f;
    for (int64_t k = 0; k < count; k++) sum += from[k] * 0.0f;
    return sum == 0.0f;
}

INLINE int are_zero(const float *from, int64_t count) {
    for (int64_t k = 0; k < count; k += WIDTH) {
        const integers bits = (integers)load(from + k, WIDTH);
        integers any = bits << 1; /* the sign of a zero does not matter */
        for (int64_t n = 0; n < WIDTH; n++)
            if (any[n]) return 0;
    }
    return 1;
}

/* exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1), x = n ln 2 + r, |x| <= 80: exact near 0.
   Adding `magic` leaves n in the last bits, from where a shift makes it the exponent;
   ln 2 in two parts keeps r to the last bit. */
INLINE vector exponential_less_one(vector value) {
    const float magic = 0x1.8p23f, high = 0x1.62e400p-1f, low = 0x1.7f7d1cp-20f;
    const vector shifted = value * 1.44269504f + magic;
    const vector count = shifted - magic;
    const vector rest = (value - count * high) - count * low;
    const vector power = (vector)(((integers)shifted << 23) + (integers)spread(1.0f));
    vector sum = spread(1.0f / 5040.0f);
    sum = sum * rest + 1.0f / 720.0f;
    sum = sum * rest + 1.0f / 120.0f;
    sum = sum * rest + 1.0f / 24.0f;
    sum = sum * rest + 1.0f / 6.0f;
    sum = sum * rest + 0.5f;
    sum = sum * (rest * rest) + rest;
    return sum * power + (power - 1.0f);
}

INLINE vector sigmoid(vector value) {
    const vector kept = at_least(-80.0f, at_most(80.0f, -value));
    return inverse(exponential_less_one(kept) + 2.0f);
}

/* With the sign taken off, exp never grows. */
INLINE vector tangent(vector value) {
    const integers sign = (integers){0} + INT32_MIN;
    const integers signs = (integers)value & sign;
    const vector size = (vector)((integers)value & ~sign);
    const vector less = exponential_less_one(at_least(-80.0f, size * -2.0f));
    const vector bent = divide(-less, less + 2.0f);
    return (vector)((integers)bent | signs);
}

/* sums[r][v] += sum over k of left[r][k] * right[k][v], right[k][v] being a vector. */
INLINE void multiply(const int rows, const int streams, vector sums[ROWS][STREAMS],
                     const float *const left[ROWS], const float *right,
                     int64_t length) {
    for (int64_t k = 0; k < length; k++) {
        vector weights[STREAMS];
#pragma GCC unroll 8
        for (int v = 0; v < streams; v++)
            weights[v] = *(const vector *)(right + (k * streams + v) * WIDTH);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            const vector factor = spread(left[r][k]);
#pragma GCC unroll 8
            for (int v = 0; v < streams; v++) sums[r][v] += factor * weights[v];
        }
    }
}

/* How many rows the next tile takes: a few sizes are compiled, each without waste. */
INLINE int rows_of_tile(int64_t left) {
    if (left >= ROWS) return ROWS;
    return left >= 4 && ROWS > 4 ? 4 : left >= 2 ? 2 : 1;
}

/* Call `tile(rows, ...)` with the number of rows known to the compiler. */
#define WITH_ROWS(rows, tile, ...)                          \
    switch (rows) {                                         \
        case ROWS: tile(ROWS, __VA_ARGS__); break;          \
        case 4: tile(ROWS > 4 ? 4 : 1, __VA_ARGS__); break; \
        case 2: tile(2, __VA_ARGS__); break;                \
        default: tile(1, __VA_ARGS__);                      \
    }

/* Zeros, at an address that vectors like; the caller frees them. */
INLINE float *zeros(int64_t count) {
    void *made = NULL;
    const size_t bytes = (size_t)count * sizeof(float);
    if (posix_memalign(&made, 64, bytes ? bytes : 64)) return NULL;
    return memset(made, 0, bytes);
}

/* (gates units, columns), padded, in the order in which a step reads it:
   [block of units][column][gate], each a vector of neighbouring units. */
INLINE float *packed_forward(const float *weights, int64_t gates, int64_t units,
                             int64_t columns) {
    float *packed = zeros(blocks_of(units) * columns * gates * WIDTH);
    if (!packed) return NULL;
    for (int64_t gate = 0; gate < gates; gate++)
        for (int64_t unit = 0; unit < units; unit++) {
            const float *from = weights + (gate * units + unit) * columns;
            float *to = packed + (unit / WIDTH * columns * gates + gate) * WIDTH;
            for (int64_t k = 0; k < columns; k++)
                to[k * gates * WIDTH + unit % WIDTH] = from[k];
        }
    return packed;
}

/* How many blocks go together: four, two or one. */
INLINE int64_t streams_of_group(int64_t left) {
    return left >= STREAMS ? STREAMS : left >= 2 ? 2 : 1;
}

/* (length, columns), padded, for the way back: [group of blocks][k][block]. */
INLINE float *packed_backward(const float *weights, int64_t length, int64_t columns) {
    const int64_t blocks = blocks_of(columns);
    float *packed = zeros(blocks * length * WIDTH);
    if (!packed) return NULL;
    for (int64_t first = 0, streams; first < blocks; first += streams) {
        streams = streams_of_group(blocks - first);
        for (int64_t v = 0; v < streams; v++) {
            const int64_t column = (first + v) * WIDTH;
            const size_t size = (size_t)smaller(WIDTH, columns - column) * sizeof(float);
            for (int64_t k = 0; k < length; k++)
                memcpy(packed + (first * length + k * streams + v) * WIDTH,
                       weights + k * columns + column, size);
        }
    }
    return packed;
}

/* to[r] = (or +=) after[r] times a group of blocks of the weights. */
INLINE void multiply_group(const int rows, const int streams, const float *const *after,
                           const float *weights, int64_t length, float *to,
                           int64_t apart, int64_t count, int adds) {
    vector sums[ROWS][STREAMS] = {{{0}}};
    multiply(rows, streams, sums, after, weights, length);
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < streams; v++) {
            float *at = to + r * apart + v * WIDTH;
            const int64_t left = count - v * WIDTH;
            if (adds) sums[r][v] += load(at, left);
            store(at, sums[r][v], left);
        }
}

/* Compiled once for each number of rows: what the steps before are told. */
#define MULTIPLY_BACK(rows)                                                            \
    static __attribute__((noinline, unused)) void multiply_back_##rows(                \
        const float *const *after, const float *weights, int64_t length,               \
        int64_t columns, float *to, int64_t apart, int adds) {                         \
        const int64_t blocks = blocks_of(columns);                                     \
        for (int64_t block = 0, done; block < blocks; block += done) {                 \
            const float *group = weights + block * length * WIDTH;                     \
            float *at = to + block * WIDTH;                                            \
            const int64_t left = columns - block * WIDTH;                              \
            done = streams_of_group(blocks - block);                                   \
            if (done == STREAMS)                                                       \
                multiply_group(rows, STREAMS, after, group, length, at, apart, left,   \
                               adds);                                                  \
            else if (done == 2)                                                        \
                multiply_group(rows, 2, after, group, length, at, apart, left, adds);  \
            else                                                                       \
                multiply_group(rows, 1, after, group, length, at, apart, left, adds);  \
        }                                                                              \
    }
#if ROWS > 4
MULTIPLY_BACK(6)
MULTIPLY_BACK(4)
#else
MULTIPLY_BACK(3)
#endif
MULTIPLY_BACK(2)
MULTIPLY_BACK(1)

INLINE void multiply_back(int rows, const float *const *after, const float *weights,
                          int64_t length, int64_t columns, float *to, int64_t apart,
                          int adds) {
    switch (rows) {
#define CASE(rows)                                                                \
    case rows:                                                                    \
        multiply_back_##rows(after, weights, length, columns, to, apart, adds);   \
        break;
#if ROWS > 4
        CASE(6)
        CASE(4)
#else
        CASE(3)
#endif
        CASE(2)
        CASE(1)
#undef CASE
    }
}

#endif
