// Counts of (true class, class of the largest score) for K models, one pass over the scores.
// Compiled with -DREAL=float or -DREAL=double.

#include <cstdint>

// Rows that are looked at side by side, one in each lane.
constexpr int64_t LANES = 16;

// scores (models, n, classes), target (n), own rows per model where target_step is n, 0 where it is shared;
// counts (models, classes, classes), zero at the start. The first of equal scores wins.
// 0, or 1 where a score is NaN or a label is none: then the counts mean nothing.
extern "C" int count_classes(const REAL* scores, const int64_t* target, int64_t models, int64_t n, int64_t classes,
                             int64_t target_step, int64_t* counts) {
    for (int64_t k = 0; k < models; ++k) {
        const int64_t* labels = target + k * target_step;
        int64_t* own = counts + k * classes * classes;
        for (int64_t i = 0; i < n; i += LANES) {
            const REAL* row = scores + (k * n + i) * classes;
            const int64_t here = n - i < LANES ? n - i : LANES;
            REAL best[LANES];
            int32_t place[LANES];
            int32_t is_nan = 0;
            for (int64_t lane = 0; lane < here; ++lane) {
                best[lane] = row[lane * classes];
                place[lane] = 0;
                is_nan |= best[lane] != best[lane];
            }
            for (int64_t c = 1; c < classes; ++c) {
#pragma omp simd reduction(| : is_nan)
                for (int64_t lane = 0; lane < here; ++lane) {
                    const REAL score = row[lane * classes + c];
                    is_nan |= score != score;
                    place[lane] = score > best[lane] ? static_cast<int32_t>(c) : place[lane];
                    best[lane] = score > best[lane] ? score : best[lane];
                }
            }
            if (is_nan) return 1;
            for (int64_t lane = 0; lane < here; ++lane) {
                const int64_t label = labels[i + lane];
                if (label < 0 || label >= classes) return 1;
                ++own[label * classes + place[lane]];
            }
        }
    }
    return 0;
}
