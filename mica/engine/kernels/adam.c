/* Adam and AdamW, all weights in one call.

   w = w (1 - rate decay)
   m = beta_1 m + (1 - beta_1) g
   v = beta_2 v + (1 - beta_2) g^2
   w = w - rate / (1 - beta_1^t) m / (sqrt(v) / sqrt(1 - beta_2^t) + epsilon)

   Kingma & Ba 2014, Algorithm 1; the decay of Loshchilov & Hutter 2017, Algorithm 2. */

#include <math.h>
#include <stdint.h>

struct adam {
    int64_t count;                  /* of weights */
    double rate, beta_1, beta_2, epsilon, decay;
    const int64_t *sizes;           /* numbers in each weight */
    float *const *weights;
    const float *const *gradients;
    float *const *means;
    float *const *squares;
    float *const *steps;            /* one number each: the updates so far */
};

void mica_adam(const struct adam *all)
{
    const float beta_1 = all->beta_1, beta_2 = all->beta_2, epsilon = all->epsilon;
    const float new_1 = 1.0 - all->beta_1, new_2 = 1.0 - all->beta_2;
    const float kept = 1.0 - all->rate * all->decay;
    for (int64_t index = 0; index < all->count; index++) {
        float *restrict weight = all->weights[index];
        const float *restrict gradient = all->gradients[index];
        float *restrict mean = all->means[index];
        float *restrict square = all->squares[index];
        const double step = *all->steps[index] += 1.0f;
        const float rate = all->rate / (1.0 - pow(all->beta_1, step));
        const float scale = 1.0 / sqrt(1.0 - pow(all->beta_2, step));
        for (int64_t i = 0; i < all->sizes[index]; i++) {
            const float slope = gradient[i];
            mean[i] = beta_1 * mean[i] + new_1 * slope;
            square[i] = beta_2 * square[i] + new_2 * slope * slope;
            weight[i] = kept * weight[i]
                - rate * mean[i] / (sqrtf(square[i]) * scale + epsilon);
        }
    }
}
