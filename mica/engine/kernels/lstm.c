/* Long short-term memory: all time steps, each thread with rows of its own. */

#include <omp.h>

#include "products.h"

/* Tensors are (rows, time, ...) without gaps. Where `keeps`, `gates` gets i, f, g, o of
   all steps and `carries` all steps; else `carries` is one step. */
struct lstm {
    int64_t rows, time, features, units, threads, keeps;
    const float *x, *input_weights, *bias, *weights, *first_hidden, *first_carry;
    float *gates, *hidden, *carries;
    const float *hidden_slope, *last_hidden_slope, *last_carry_slope;
    float *x_slope, *first_hidden_slope, *first_carry_slope;
    float *input_weights_slope, *bias_slope, *weights_slope, *other_bias_slope;
};

INLINE void step_forward(const int rows, const struct lstm *a, const float *inputs,
                         const float *weights, int64_t row, int64_t t) {
    const int64_t units = a->units, keeps = a->keeps;
    const float *before[ROWS], *now[ROWS];
    for (int r = 0; r < rows; r++) {
        now[r] = a->x + ((row + r) * a->time + t) * a->features;
        before[r] = t ? a->hidden + ((row + r) * a->time + t - 1) * units
                      : a->first_hidden + (row + r) * units;
    }
    for (int64_t unit = 0; unit < units; unit += WIDTH) {
        const int64_t count = units - unit;
        vector added[4];
        for (int q = 0; q < 4; q++) added[q] = load(a->bias + q * units + unit, count);
        vector sums[ROWS][STREAMS] = {{{0}}};
        multiply(rows, 4, sums, now, inputs + unit * a->features * 4, a->features);
        multiply(rows, 4, sums, before, weights + unit * units * 4, units);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            const int64_t at = ((row + r) * a->time + t) * units;
            float *carries = keeps ? a->carries + at : a->carries + (row + r) * units;
            const float *earlier = t ? carries - (keeps ? units : 0)
                                     : a->first_carry + (row + r) * units;
            const vector enter = sigmoid(sums[r][0] + added[0]);
            const vector forget = sigmoid(sums[r][1] + added[1]);
            const vector candidate = tangent(sums[r][2] + added[2]);
            const vector leave = sigmoid(sums[r][3] + added[3]);
            const vector carry = forget * load(earlier + unit, count) + enter * candidate;
            store(carries + unit, carry, count);
            store(a->hidden + at + unit, leave * tangent(carry), count);
            if (keeps) {
                float *gates = a->gates + 4 * at + unit;
                store(gates, enter, count);
                store(gates + units, forget, count);
                store(gates + 2 * units, candidate, count);
                store(gates + 3 * units, leave, count);
            }
        }
    }
}

static void rows_forward(const struct lstm *a, const float *inputs,
                         const float *weights, int64_t first, int64_t last) {
    for (; first < last; first += ROWS_TOGETHER) {
        const int64_t end = smaller(first + ROWS_TOGETHER, last);
        for (int64_t t = 0; t < a->time; t++)
            for (int64_t row = first, rows; row < end; row += rows) {
                rows = rows_of_tile(end - row);
                WITH_ROWS(rows, step_forward, a, inputs, weights, row, t)
            }
    }
}

int mica_lstm_forward(const struct lstm *a) {
    float *weights = packed_forward(a->weights, 4, a->units, a->units);
    float *inputs = packed_forward(a->input_weights, 4, a->units, a->features);
    const int failed = !weights || !inputs;
    if (!failed) {
#pragma omp parallel num_threads((int)a->threads)
        {
            const int64_t me = omp_get_thread_num(), all = omp_get_num_threads();
            const int64_t first = me * a->rows / all, last = (me + 1) * a->rows / all;
            const uint64_t before = flush_smallest();
            rows_forward(a, inputs, weights, first, last);
            keep_smallest(before);
        }
    }
    free(weights);
    free(inputs);
    return failed;
}

/* `slopes` holds, for each row, the loss's derivative by h and by c, padded. */
static void step_backward(int rows, const struct lstm *a, const float *inputs,
                          const float *weights, int64_t row, int64_t t, float *slopes,
                          float *gate_slopes, int64_t apart) {
    const int64_t units = a->units, padded = blocks_of(units) * WIDTH;
    const float *after[ROWS];
    for (int r = 0; r < rows; r++) {
        const int64_t at = ((row + r) * a->time + t) * units;
        const float *gates = a->gates + 4 * at, *carries = a->carries + at;
        const float *earlier = t ? carries - units : a->first_carry + (row + r) * units;
        float *hidden_slopes = slopes + 2 * r * padded;
        float *carry_slopes = hidden_slopes + padded;
        float *to = gate_slopes + r * apart;
        after[r] = to;
        for (int64_t unit = 0; unit < units; unit += WIDTH) {
            const int64_t count = units - unit;
            const vector enter = load(gates + unit, count);
            const vector forget = load(gates + units + unit, count);
            const vector candidate = load(gates + 2 * units + unit, count);
            const vector leave = load(gates + 3 * units + unit, count);
            const vector bent = tangent(load(carries + unit, count));
            vector by_hidden = load(hidden_slopes + unit, WIDTH);
            if (a->hidden_slope) by_hidden += load(a->hidden_slope + at + unit, count);
            const vector by_carry = load(carry_slopes + unit, WIDTH) +
                                    by_hidden * leave * (1.0f - bent * bent);
            store(to + unit, by_carry * candidate * enter * (1.0f - enter), count);
            store(to + units + unit,
                  by_carry * load(earlier + unit, count) * forget * (1.0f - forget), count);
            store(to + 2 * units + unit, by_carry * enter * (1.0f - candidate * candidate),
                  count);
            store(to + 3 * units + unit, by_hidden * bent * leave * (1.0f - leave), count);
            store(carry_slopes + unit, by_carry * forget, WIDTH);
        }
    }
    if (inputs)
        multiply_back(rows, after, inputs, 4 * units, a->features,
                      a->x_slope + (row * a->time + t) * a->features,
                      a->time * a->features, 0);
    multiply_back(rows, after, weights, 4 * units, units, slopes, 2 * padded, 0);
}

/* What a thread needs: derivatives by states, by gates of STEPS steps, by weights. */
struct workplace {
    float *slopes, *gate_slopes;
    struct product by_inputs, by_weights;
};

/* Add up what steps from `t` to `last_step` tell the weights. */
static void add_weights(const struct lstm *a, const struct workplace *w, int64_t first,
                        int64_t end, int64_t t, int64_t last_step) {
    const int64_t units = a->units;
    int64_t pair = 0;
    for (int64_t row = first; row < end; row++)
        for (int64_t step = t; step < last_step; step++, pair++) {
            const int64_t at = row * a->time + step;
            if (a->input_weights_slope) see(&w->by_inputs, pair, a->x + at * a->features);
            see(&w->by_weights, pair,
                step ? a->hidden + (at - 1) * units : a->first_hidden + row * units);
        }
    if (a->input_weights_slope)
        add_products(&w->by_inputs, w->gate_slopes, 4 * units, pair);
    if (a->weights_slope) add_products(&w->by_weights, w->gate_slopes, 4 * units, pair);
}

/* Before the step where all derivatives are zero nothing is left to do. A row that is
   not finite has no such step: zero times NaN is NaN. */
static void rows_backward(const struct lstm *a, const float *inputs, const float *weights,
                          int64_t first, int64_t last, const struct workplace *w) {
    const int64_t units = a->units, padded = blocks_of(units) * WIDTH;
    const size_t size = (size_t)units * sizeof(float);
    float *slopes = w->slopes;
    for (; first < last; first += ROWS_TOGETHER) {
        const int64_t end = smaller(first + ROWS_TOGETHER, last);
        const int64_t count = 2 * (end - first) * padded;
        int all_finite = 1;
        memset(slopes, 0, (size_t)count * sizeof(float));
        for (int64_t row = first; row < end; row++) {
            const int64_t at = ((row + 1) * a->time - 1) * units;
            float *to = slopes + 2 * (row - first) * padded;
            if (a->last_hidden_slope) memcpy(to, a->last_hidden_slope + row * units, size);
            if (a->last_carry_slope)
                memcpy(to + padded, a->last_carry_slope + row * units, size);
            all_finite &= are_finite(a->hidden + at, units);
            all_finite &= are_finite(a->carries + at, units);
        }
        const int may_end = all_finite && !a->hidden_slope;
        int64_t last_step = a->time;
        while (last_step > 0 && !(may_end && are_zero(slopes, count))) {
            const int64_t t = last_step > STEPS ? last_step - STEPS : 0;
            const int64_t steps = last_step - t, apart = steps * 4 * units;
            for (int64_t step = last_step - 1; step >= t; step--)
                for (int64_t row = first, rows; row < end; row += rows) {
                    float *mine = slopes + 2 * (row - first) * padded;
                    float *gates = w->gate_slopes + (row - first) * apart;
                    gates += (step - t) * 4 * units;
                    rows = rows_of_tile(end - row);
                    step_backward((int)rows, a, inputs, weights, row, step, mine, gates,
                                  apart);
                }
            add_weights(a, w, first, end, t, last_step);
            last_step = t;
        }
        for (int64_t row = first; row < end; row++) {
            const float *from = slopes + 2 * (row - first) * padded;
            memcpy(a->first_hidden_slope + row * units, from, size);
            memcpy(a->first_carry_slope + row * units, from + padded, size);
            if (inputs)
                memset(a->x_slope + row * a->time * a->features, 0,
                       (size_t)(last_step * a->features) * sizeof(float));
        }
    }
}

int mica_lstm_backward(const struct lstm *a) {
    const int64_t units = a->units, padded = blocks_of(units) * WIDTH;
    const int64_t slopes = 2 * ROWS_TOGETHER * padded, gates = PAIRS * 4 * padded + WIDTH;
    const struct product by_inputs = product_of(a->features, 0, 4 * units);
    const struct product by_weights = product_of(units, 0, 4 * units);
    const int64_t each = slopes + gates + room_of(&by_inputs) + room_of(&by_weights);
    float *weights = packed_backward(a->weights, 4 * units, units), *inputs = NULL;
    if (a->x_slope) inputs = packed_backward(a->input_weights, 4 * units, a->features);
    float *memory = zeros(a->threads * each);
    const int failed = !weights || !memory || (a->x_slope && !inputs);
    if (!failed) {
        int64_t threads = 1;
#pragma omp parallel num_threads((int)a->threads)
        {
            const int64_t me = omp_get_thread_num(), all = omp_get_num_threads();
            const int64_t first = me * a->rows / all, last = (me + 1) * a->rows / all;
            const uint64_t before = flush_smallest();
            float *mine = memory + me * each;
            struct workplace w = {mine, mine + slopes, by_inputs, by_weights};
            place(&w.by_weights, place(&w.by_inputs, mine + slopes + gates));
            rows_backward(a, inputs, weights, first, last, &w);
            keep_smallest(before);
            if (me == 0) threads = all;
        }
        const float *totals = memory + slopes + gates;
        if (a->input_weights_slope)
            sum_products(&by_inputs, totals, each, threads, a->input_weights_slope,
                         a->bias_slope);
        totals += room_of(&by_inputs);
        if (a->weights_slope)
            sum_products(&by_weights, totals, each, threads, a->weights_slope,
                         a->other_bias_slope);
    }
    free(weights);
    free(inputs);
    free(memory);
    return failed;
}
