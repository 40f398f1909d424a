// BatchNorm of images in training, float32: one channel of one model after the other, over all its samples, while it lies in the
// cache. Sums run in float32 over a plane and in float64 over the planes.

#include <cmath>
#include <cstdint>

namespace {

struct Sizes {
    int64_t models, samples, channels, pixels;
    int64_t count() const { return samples * pixels; }
};

// act(the channel's place in the statistics, the place of its first number in the images).
template <typename Act>
void for_channels(const Sizes& s, Act act) {
    for (int64_t k = 0; k < s.models; ++k)
        for (int64_t c = 0; c < s.channels; ++c)
            act(k * s.channels + c, (k * s.samples * s.channels + c) * s.pixels);
}

// The sum over a channel's planes of of_plane(first number of the plane).
template <typename OfPlane>
double total(const Sizes& s, int64_t first, OfPlane of_plane) {
    double sum = 0;
    for (int64_t n = 0; n < s.samples; ++n) sum += of_plane(first + n * s.channels * s.pixels);
    return sum;
}

}  // namespace

// x (models, samples, channels, pixels), weight and shift (models, channels) or null -> y, and each channel's mean and variance
// (that of the batch: divided by the count).
extern "C" void norm(const Sizes* sizes, double eps, const float* x, const float* weight, const float* shift, float* y,
                     float* mean, float* variance) {
    const Sizes s = *sizes;
    for_channels(s, [&](int64_t channel, int64_t first) {
        const float middle = static_cast<float>(total(s, first, [&](int64_t from) {
                                                    float sum = 0;
#pragma omp simd reduction(+ : sum)
                                                    for (int64_t i = 0; i < s.pixels; ++i) sum += x[from + i];
                                                    return sum;
                                                }) / s.count());
        const double spread = total(s, first, [&](int64_t from) {
                                  float sum = 0;
#pragma omp simd reduction(+ : sum)
                                  for (int64_t i = 0; i < s.pixels; ++i)
                                      sum += (x[from + i] - middle) * (x[from + i] - middle);
                                  return sum;
                              }) / s.count();
        mean[channel] = middle;
        variance[channel] = static_cast<float>(spread);
        const float factor = static_cast<float>((weight ? weight[channel] : 1.0f) / std::sqrt(spread + eps));
        const float rest = shift ? shift[channel] : 0.0f;
        total(s, first, [&](int64_t from) {
#pragma omp simd
            for (int64_t i = 0; i < s.pixels; ++i) y[from + i] = (x[from + i] - middle) * factor + rest;
            return 0.0f;
        });
    });
}

// The slopes of x (or null: not asked), weight and shift, from that of y.
extern "C" void norm_slopes(const Sizes* sizes, double eps, const float* x, const float* weight, const float* mean,
                            const float* variance, const float* dy, float* dx, float* dweight, float* dshift) {
    const Sizes s = *sizes;
    for_channels(s, [&](int64_t channel, int64_t first) {
        const float middle = mean[channel];
        const double inverse = 1 / std::sqrt(static_cast<double>(variance[channel]) + eps);
        double along = 0;
        const double all = total(s, first, [&](int64_t from) {
            float sum = 0, product = 0;
#pragma omp simd reduction(+ : sum, product)
            for (int64_t i = 0; i < s.pixels; ++i) {
                sum += dy[from + i];
                product += dy[from + i] * (x[from + i] - middle);
            }
            along += product;
            return sum;
        });
        dweight[channel] = static_cast<float>(along * inverse);
        dshift[channel] = static_cast<float>(all);
        if (!dx) return;
        const float factor = static_cast<float>((weight ? weight[channel] : 1.0f) * inverse);
        const float level = static_cast<float>(all / s.count());
        const float tilt = static_cast<float>(along * inverse * inverse / s.count());
        total(s, first, [&](int64_t from) {
#pragma omp simd
            for (int64_t i = 0; i < s.pixels; ++i)
                dx[from + i] = (dy[from + i] - level - (x[from + i] - middle) * tilt) * factor;
            return 0.0f;
        });
    });
}
