// Convolutions (stride 1) and max-pooling of small images in float32, 16 samples side by side in the lanes of a vector.
// Where torch's kernels put channels into the lanes, a network that begins with 1, 3 or 10 of them leaves most lanes empty.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

constexpr int64_t LANES = 16;
// Neighbouring columns that are computed together, and the most channels: 24 sums stay in registers.
constexpr int64_t TILE = 4;
constexpr int64_t MOST = 6;
typedef float Lanes __attribute__((vector_size(64)));
typedef int32_t Places __attribute__((vector_size(64)));

inline Lanes all(float value) { return value - Lanes{}; }

// -- from one sample after the other to samples side by side, and back -----------------------------------------------

constexpr int low(int k, int half) { return k & half ? k - half + 16 : k; }
constexpr int high(int k, int half) { return k & half ? k + 16 : k + half; }

// Exchanges half-blocks of rows and columns; with 8, 4, 2 and 1 a square of 16 x 16 is transposed.
template <int HALF>
inline void exchange(Lanes* rows) {
    constexpr Places first = {low(0, HALF),  low(1, HALF),  low(2, HALF),  low(3, HALF), low(4, HALF),  low(5, HALF),
                              low(6, HALF),  low(7, HALF),  low(8, HALF),  low(9, HALF), low(10, HALF), low(11, HALF),
                              low(12, HALF), low(13, HALF), low(14, HALF), low(15, HALF)};
    constexpr Places second = {high(0, HALF),  high(1, HALF),  high(2, HALF),  high(3, HALF),
                               high(4, HALF),  high(5, HALF),  high(6, HALF),  high(7, HALF),
                               high(8, HALF),  high(9, HALF),  high(10, HALF), high(11, HALF),
                               high(12, HALF), high(13, HALF), high(14, HALF), high(15, HALF)};
    for (int k = 0; k < LANES; ++k) {
        if (k & HALF) continue;
        const Lanes a = rows[k], b = rows[k + HALF];
        rows[k] = __builtin_shuffle(a, b, first);
        rows[k + HALF] = __builtin_shuffle(a, b, second);
    }
}

inline void transpose(Lanes* rows) {
    exchange<8>(rows);
    exchange<4>(rows);
    exchange<2>(rows);
    exchange<1>(rows);
}

// n numbers of each sample, `step` apart -> n vectors; lanes without a sample are zero.
void to_lanes(const float* from, int64_t step, int64_t samples, int64_t n, Lanes* to) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        Lanes rows[LANES] = {};
        for (int64_t s = 0; s < samples; ++s) std::memcpy(&rows[s], from + s * step + i, sizeof(Lanes));
        transpose(rows);
        for (int64_t k = 0; k < LANES; ++k) to[i + k] = rows[k];
    }
    for (; i < n; ++i)
        for (int64_t s = 0; s < LANES; ++s) to[i][s] = s < samples ? from[s * step + i] : 0.0f;
}

void from_lanes(const Lanes* from, int64_t n, int64_t samples, int64_t step, float* to) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        Lanes rows[LANES];
        for (int64_t k = 0; k < LANES; ++k) rows[k] = from[i + k];
        transpose(rows);
        for (int64_t s = 0; s < samples; ++s) std::memcpy(to + s * step + i, &rows[s], sizeof(Lanes));
    }
    for (; i < n; ++i)
        for (int64_t s = 0; s < samples; ++s) to[s * step + i] = from[i][s];
}

// Memory that stays with the thread: blocks of some hundred kilobytes would fault in anew at each call.
Lanes* lent(int place, int64_t size) {
    thread_local std::vector<Lanes> kept[4];
    auto& memory = kept[place];
    if (static_cast<int64_t>(memory.size()) < size) memory.resize(size);
    return memory.data();
}

// 16 samples: [channel][row][column][sample], with `pad` columns of zeros on both sides of a row. The memory is lent.
struct Block {
    int64_t channels, height, width, pad;
    Lanes* values;

    int64_t across() const { return width + 2 * pad; }
    Lanes* row(int64_t channel, int64_t y) const { return values + (channel * height + y) * across(); }

    void take(const float* from, int64_t samples) const {
        const int64_t size = channels * height * width;
        if (!pad) return to_lanes(from, size, samples, size, values);
        Lanes* plain = lent(3, size);
        to_lanes(from, size, samples, size, plain);  // whole samples first: single rows seldom fill a square
        for (int64_t r = 0; r < channels * height; ++r, plain += width) {
            Lanes* here = values + r * across();
            for (int64_t i = 0; i < pad; ++i) here[i] = here[pad + width + i] = Lanes{};
            std::copy(plain, plain + width, here + pad);
        }
    }
};

Block block(int place, int64_t channels, int64_t height, int64_t width, int64_t pad) {
    return {channels, height, width, pad, lent(place, channels * height * (width + 2 * pad) + TILE)};
}

// -- sums ------------------------------------------------------------------------------------------------------------

// One row of N channels of a convolution: weights [channel of x][ky][kx][N], shift [N].
template <int N>
void convolve_row(const Block& x, const float* weight, const float* shift, int64_t kh, int64_t kw, int64_t pad,
                  int64_t oy, const Block& out, int64_t channel) {
    const int64_t ky_from = std::max<int64_t>(0, pad - oy), ky_to = std::min(kh, x.height + pad - oy);
    for (int64_t ox = 0; ox < out.width; ox += TILE) {
        const int64_t kx_from = std::max<int64_t>(0, x.pad - ox - TILE + 1);
        const int64_t kx_to = std::min(kw, x.pad + x.width - ox);
        Lanes sums[N][TILE];
        for (int o = 0; o < N; ++o)
            for (int t = 0; t < TILE; ++t) sums[o][t] = all(shift[o]);
        for (int64_t c = 0; c < x.channels; ++c)
            for (int64_t ky = ky_from; ky < ky_to; ++ky) {
                const Lanes* row = x.row(c, oy + ky - pad) + ox;
                const float* factors = weight + ((c * kh + ky) * kw) * N;
                for (int64_t kx = kx_from; kx < kx_to; ++kx)
                    for (int o = 0; o < N; ++o) {
                        const Lanes factor = all(factors[kx * N + o]);
                        for (int t = 0; t < TILE; ++t) sums[o][t] += factor * row[kx + t];
                    }
            }
        const int64_t here = std::min(TILE, out.width - ox);
        for (int o = 0; o < N; ++o)
            for (int64_t t = 0; t < here; ++t) out.row(channel + o, oy)[ox + t] = sums[o][t];
    }
}

inline float total(Lanes v) {
    v += __builtin_shuffle(v, Places{8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7});
    v += __builtin_shuffle(v, Places{4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11});
    v += __builtin_shuffle(v, Places{2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13});
    return v[0] + v[1];
}

// Adds to slope [N][x.channels * kh * kw] what one block says of the weights from (c, ky, kx) to (c, ky, kx + K).
template <int N, int K>
void correlate(const Block& x, const Block& out, int64_t channel, int64_t c, int64_t ky, int64_t kx, int64_t pad,
               int64_t step, float* slope) {
    Lanes sums[N][K] = {};
    const int64_t from = std::max<int64_t>(0, pad - ky), to = std::min(out.height, x.height + pad - ky);
    for (int64_t oy = from; oy < to; ++oy) {
        const Lanes* row = x.row(c, oy + ky - pad) + kx;
        const Lanes* slopes[N];
        for (int o = 0; o < N; ++o) slopes[o] = out.row(channel + o, oy) + out.pad;
        for (int64_t ox = 0; ox < out.width; ++ox)
            for (int o = 0; o < N; ++o) {
                const Lanes factor = slopes[o][ox];
                for (int k = 0; k < K; ++k) sums[o][k] += factor * row[ox + k];
            }
    }
    for (int o = 0; o < N; ++o)
        for (int k = 0; k < K; ++k) slope[o * step + k] += total(sums[o][k]);
}

template <int N>
void correlate_all(const Block& x, const Block& out, int64_t channel, int64_t kh, int64_t kw, int64_t pad, float* slope) {
    const int64_t step = x.channels * kh * kw;
    for (int64_t c = 0; c < x.channels; ++c)
        for (int64_t ky = 0; ky < kh; ++ky)
            for (int64_t kx = 0; kx < kw;) {
                float* place = slope + channel * step + (c * kh + ky) * kw + kx;
                const int64_t left = kw - kx;
                if (left >= 5) correlate<N, 5>(x, out, channel, c, ky, kx, pad, step, place), kx += 5;
                else if (left >= 3) correlate<N, 3>(x, out, channel, c, ky, kx, pad, step, place), kx += 3;
                else correlate<N, 1>(x, out, channel, c, ky, kx, pad, step, place), kx += 1;
            }
}

// Channels that are summed together: as many as divide them evenly, near MOST.
int64_t together(int64_t channels, int64_t most) {
    for (int64_t n = most; n >= most - 2; --n)
        if (channels % n == 0) return n;
    return most - 1;
}

template <typename Act>
void with_count(int64_t n, Act act) {
    switch (n) {
        case 1: return act(std::integral_constant<int, 1>{});
        case 2: return act(std::integral_constant<int, 2>{});
        case 3: return act(std::integral_constant<int, 3>{});
        case 4: return act(std::integral_constant<int, 4>{});
        case 5: return act(std::integral_constant<int, 5>{});
        default: return act(std::integral_constant<int, 6>{});
    }
}

// weight [out][in][kh][kw] by the way that convolve_row reads it, group by group of output channels.
void packed(const float* weight, int64_t n_out, int64_t size, int64_t group, std::vector<float>& into) {
    into.resize(n_out * size);
    for (int64_t o = 0; o < n_out; o += group) {
        const int64_t here = std::min(group, n_out - o);
        for (int64_t i = 0; i < size; ++i)
            for (int64_t k = 0; k < here; ++k) into[o * size + i * here + k] = weight[(o + k) * size + i];
    }
}

void convolve(const Block& x, const std::vector<float>& weight, const float* shift, int64_t group, int64_t kh, int64_t kw,
              int64_t pad, const Block& out) {
    const int64_t size = x.channels * kh * kw;
    for (int64_t o = 0; o < out.channels; o += group)
        with_count(std::min(group, out.channels - o), [&](auto n) {
            for (int64_t oy = 0; oy < out.height; ++oy)
                convolve_row<n.value>(x, weight.data() + o * size, shift + o, kh, kw, pad, oy, out, o);
        });
}

// -- windows of 2 x 2 ------------------------------------------------------------------------------------------------

typedef uint8_t Bytes __attribute__((vector_size(16)));
constexpr Places EVEN = {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30};

template <typename Vector, typename Number>
inline Vector read(const Number* from) {
    Vector v;
    std::memcpy(&v, from, sizeof(v));
    return v;
}

template <typename Vector, typename Number>
inline void write(Vector v, Number* to) {
    std::memcpy(to, &v, sizeof(v));
}

inline void choose(Lanes value, int32_t k, Lanes& best, Places& at) {
    const Places is_new = (value > best) | (value != value);
    best = is_new ? value : best;
    at = is_new ? Places{} + k : at;
}

// 16 windows from two rows; reads 32 numbers of each.
inline void largest_of_pairs(const float* upper, const float* lower, float* y, uint8_t* place) {
    const Lanes a = read<Lanes>(upper), b = read<Lanes>(upper + LANES);
    const Lanes c = read<Lanes>(lower), d = read<Lanes>(lower + LANES);
    Lanes best = __builtin_shuffle(a, b, EVEN);
    Places at = {};
    choose(__builtin_shuffle(a, b, EVEN + 1), 1, best, at);
    choose(__builtin_shuffle(c, d, EVEN), 2, best, at);
    choose(__builtin_shuffle(c, d, EVEN + 1), 3, best, at);
    write(best, y);
    write(__builtin_convertvector(at, Bytes), place);
}

}  // namespace

// `*_step`: from one model's numbers to the next one's; results lie one behind the other.
struct Sizes {
    int64_t models, samples, channels, height, width, out, kh, kw, pad_y, pad_x, x_step, weight_step, shift_step;
    int64_t out_height() const { return height + 2 * pad_y - kh + 1; }
    int64_t out_width() const { return width + 2 * pad_x - kw + 1; }
    int64_t x_size() const { return channels * height * width; }
    int64_t y_size() const { return out * out_height() * out_width(); }
    int64_t weight_size() const { return out * channels * kh * kw; }
};

static void convolve_model(const Sizes& s, const float* x, const float* weight, const float* shift, float* y) {
    const int64_t group = together(s.out, MOST), x_size = s.x_size(), y_size = s.y_size();
    std::vector<float> factors, shifts(s.out, 0.0f);
    packed(weight, s.out, s.channels * s.kh * s.kw, group, factors);
    if (shift) shifts.assign(shift, shift + s.out);
    const Block in = block(0, s.channels, s.height, s.width, s.pad_x);
    const Block out = block(1, s.out, s.out_height(), s.out_width(), 0);
    for (int64_t n = 0; n < s.samples; n += LANES) {
        const int64_t here = std::min(LANES, s.samples - n);
        in.take(x + n * x_size, here);
        convolve(in, factors, shifts.data(), group, s.kh, s.kw, s.pad_y, out);
        from_lanes(out.values, y_size, here, y_size, y + n * y_size);
    }
}

static void slopes_of_model(const Sizes& s, const float* x, const float* weight, const float* dy, float* dx,
                            float* dweight, float* dshift) {
    const int64_t x_size = s.x_size(), y_size = s.y_size(), area = s.kh * s.kw;
    const int64_t group = together(s.out, MOST - 1), back = together(s.channels, MOST);
    std::vector<float> turned(s.channels * s.out * area), factors, none(s.channels, 0.0f);
    for (int64_t o = 0; o < s.out; ++o)  // the way back is a convolution, too: the weights turned round
        for (int64_t c = 0; c < s.channels; ++c)
            for (int64_t k = 0; k < area; ++k)
                turned[(c * s.out + o) * area + area - 1 - k] = weight[(o * s.channels + c) * area + k];
    packed(turned.data(), s.channels, s.out * area, back, factors);
    const Block in = block(0, s.channels, s.height, s.width, s.pad_x);
    const Block out = block(1, s.out, s.out_height(), s.out_width(), dx ? s.kw - 1 - s.pad_x : 0);
    const Block inner = block(2, s.channels, s.height, s.width, 0);
    for (int64_t n = 0; n < s.samples; n += LANES) {
        const int64_t here = std::min(LANES, s.samples - n);
        in.take(x + n * x_size, here);
        out.take(dy + n * y_size, here);
        for (int64_t o = 0; o < s.out; o += group)
            with_count(std::min(group, s.out - o),
                       [&](auto k) { correlate_all<k.value>(in, out, o, s.kh, s.kw, s.pad_y, dweight); });
        for (int64_t o = 0; o < s.out; ++o) {
            Lanes sum = {};
            for (int64_t r = 0; r < out.height; ++r)
                for (int64_t i = 0; i < out.width; ++i) sum += out.row(o, r)[out.pad + i];
            dshift[o] += total(sum);
        }
        if (!dx) continue;
        convolve(out, factors, none.data(), back, s.kh, s.kw, s.kh - 1 - s.pad_y, inner);
        from_lanes(inner.values, x_size, here, x_size, dx + n * x_size);
    }
}

// Of each model x (samples, channels, height, width), weight (out, channels, kh, kw), shift (out) or null -> y.
extern "C" void convolution(const Sizes* sizes, const float* x, const float* weight, const float* shift, float* y) {
    const Sizes s = *sizes;
    for (int64_t k = 0; k < s.models; ++k)
        convolve_model(s, x + k * s.x_step, weight + k * s.weight_step, shift ? shift + k * s.shift_step : nullptr,
                       y + k * s.samples * s.y_size());
}

// The slopes of x (or null: not asked), weight and shift, from that of y; those of weight and shift are zero at the start.
extern "C" void convolution_slopes(const Sizes* sizes, const float* x, const float* weight, const float* dy, float* dx,
                                   float* dweight, float* dshift) {
    const Sizes s = *sizes;
    for (int64_t k = 0; k < s.models; ++k)
        slopes_of_model(s, x + k * s.x_step, weight + k * s.weight_step, dy + k * s.samples * s.y_size(),
                        dx ? dx + k * s.samples * s.x_size() : nullptr, dweight + k * s.weight_size(),
                        dshift + k * s.out);
}

// The largest of each window of size x size, side by side, and its place in the window; the first of equals, as in torch.
extern "C" void largest(const float* x, int64_t planes, int64_t height, int64_t width, int64_t size, float* y,
                        uint8_t* place) {
    const int64_t rows = height / size, columns = width / size;
    const float* end = x + planes * height * width;
    // What a vector writes past a row's end, the next row overwrites; the last rows go one by one.
    int64_t left = planes * rows - LANES / columns - 1;
    for (int64_t plane = 0; plane < planes; ++plane, x += height * width)
        for (int64_t row = 0; row < rows; ++row, --left, y += columns, place += columns) {
            const float* from = x + row * size * width;
            int64_t i = 0;
            if (size == 2 && left > 0)
                for (; i < columns && from + width + 2 * (i + LANES) <= end; i += LANES)
                    largest_of_pairs(from + 2 * i, from + width + 2 * i, y + i, place + i);
            for (; i < columns; ++i) {
                float best = from[i * size];
                int64_t at = 0;
                for (int64_t k = 1; k < size * size; ++k) {
                    const float value = from[k / size * width + i * size + k % size];
                    if (value > best || value != value) best = value, at = k;
                }
                y[i] = best;
                place[i] = static_cast<uint8_t>(at);
            }
        }
}

// Each window's slope goes to its largest; dx is written whole.
extern "C" void largest_slopes(const float* dy, const uint8_t* place, int64_t planes, int64_t height, int64_t width,
                               int64_t size, float* dx) {
    const int64_t rows = height / size, columns = width / size;
    int64_t offsets[256];
    for (int64_t k = 0; k < size * size; ++k) offsets[k] = k / size * width + k % size;
    for (int64_t plane = 0; plane < planes; ++plane, dx += height * width) {
        std::memset(dx, 0, sizeof(float) * height * width);
        for (int64_t row = 0; row < rows; ++row, dy += columns, place += columns)
            for (int64_t i = 0; i < columns; ++i) dx[row * size * width + i * size + offsets[place[i]]] = dy[i];
    }
}
