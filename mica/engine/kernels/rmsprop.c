/* RMSprop as Keras defines it, one pass over each weight instead of one per operation.

   v = rho v + (1 - rho) g^2
   a = rho a + (1 - rho) g                        where means are given
   s = rate g / sqrt(v - a^2 + epsilon)
   b = momentum b + s;  w = w - b                 where steps are given, else w = w - s */

#include <math.h>
#include <stdint.h>

struct rmsprop {
    int64_t count;                  /* of weights */
    float rate, rho, momentum, epsilon;
    const int64_t *sizes;           /* numbers in each weight */
    float *const *weights;
    const float *const *gradients;
    float *const *squares;
    float *const *means;            /* NULL when not centered */
    float *const *steps;            /* NULL without momentum */
};

static void plain(const struct rmsprop *all, int64_t index)
{
    float *restrict weight = all->weights[index];
    const float *restrict gradient = all->gradients[index];
    float *restrict square = all->squares[index];
    const float rate = all->rate, rho = all->rho, epsilon = all->epsilon;
    for (int64_t i = 0; i < all->sizes[index]; i++) {
        const float slope = gradient[i];
        square[i] = rho * square[i] + (1.0f - rho) * slope * slope;
        weight[i] -= rate * slope / sqrtf(square[i] + epsilon);
    }
}

static void general(const struct rmsprop *all, int64_t index)
{
    float *restrict weight = all->weights[index];
    const float *restrict gradient = all->gradients[index];
    float *restrict square = all->squares[index];
    float *restrict mean = all->means ? all->means[index] : 0;
    float *restrict before = all->steps ? all->steps[index] : 0;
    const float rate = all->rate, rho = all->rho, epsilon = all->epsilon;
    for (int64_t i = 0; i < all->sizes[index]; i++) {
        const float slope = gradient[i];
        square[i] = rho * square[i] + (1.0f - rho) * slope * slope;
        float divisor = square[i] + epsilon;
        if (mean) {
            mean[i] = rho * mean[i] + (1.0f - rho) * slope;
            divisor -= mean[i] * mean[i];
        }
        float step = rate * slope / sqrtf(divisor);
        if (before)
            before[i] = step = all->momentum * before[i] + step;
        weight[i] -= step;
    }
}

void mica_rmsprop(const struct rmsprop *all)
{
    for (int64_t index = 0; index < all->count; index++)
        if (all->means || all->steps)
            general(all, index);
        else
            plain(all, index);
}
