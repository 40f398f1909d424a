// Numbers of 106 bits: the unrounded sum of two doubles, the second below half a unit in the last place of the first.
//
// Sums and products by error-free transformations (Dekker 1971, doi:10.1007/BF01397083); functions by their series after
// reduction, inverse functions by one Newton step from the double's value. Relative errors stay below 2^-98.
#include <cmath>
#include <cstdint>
#include <limits>

namespace {

struct Pair {
  double h, l;
};

constexpr double INF = std::numeric_limits<double>::infinity();
constexpr Pair LN2 = {6.931471805599452862e-01, 2.319046813846299558e-17};
constexpr Pair PI = {3.141592653589793116e+00, 1.224646799147353207e-16};
constexpr Pair ONE = {1.0, 0.0};

inline Pair settled(double a, double b) {  // |a| >= |b|
  const double s = a + b;
  return {s, std::isfinite(s) ? b - (s - a) : 0.0};
}

inline Pair sum(double a, double b) {
  const double s = a + b, v = s - a;
  return {s, std::isfinite(s) ? (a - (s - v)) + (b - v) : 0.0};
}

inline Pair operator-(Pair a) { return {-a.h, -a.l}; }

inline Pair operator+(Pair a, Pair b) {
  Pair s = sum(a.h, b.h), t = sum(a.l, b.l);
  if (!std::isfinite(s.h)) return {s.h, 0.0};
  s = settled(s.h, s.l + t.h);
  return settled(s.h, s.l + t.l);
}

inline Pair operator-(Pair a, Pair b) { return a + -b; }

inline Pair operator*(Pair a, Pair b) {
  const double p = a.h * b.h;
  if (!std::isfinite(p) || p == 0) return {p, 0.0};
  return settled(p, std::fma(a.h, b.h, -p) + (a.h * b.l + a.l * b.h));
}

inline Pair operator/(Pair a, Pair b) {
  const double q = a.h / b.h;
  if (!std::isfinite(q) || q == 0 || !std::isfinite(b.h)) return {q, 0.0};
  const Pair r = a - b * Pair{q, 0};
  const double q2 = r.h / b.h;
  const Pair r2 = r - b * Pair{q2, 0};
  const Pair two = settled(q, q2);
  return two + Pair{r2.h / b.h, 0};
}

inline Pair scaled(Pair a, double power_of_two) { return {a.h * power_of_two, a.l * power_of_two}; }

// exp(a) - 1 for |a| <= ln(2) / 2: a series for a / 512, then nine doublings.
Pair expm1_near(Pair a) {
  const Pair r = scaled(a, 1.0 / 512);
  Pair term = r, s = r;
  for (int k = 2; k <= 9; ++k) {
    term = term * r / Pair{double(k), 0};
    s = s + term;
  }
  for (int k = 0; k < 9; ++k) s = scaled(s, 2) + s * s;
  return s;
}

Pair exp_of(Pair a) {
  if (std::isnan(a.h)) return a;
  if (a.h > 709.79) return {INF, 0.0};
  if (a.h < -745.2) return {0.0, 0.0};
  const double n = std::nearbyint(a.h / LN2.h);
  const Pair e = expm1_near(a - LN2 * Pair{n, 0}) + ONE;
  return {std::ldexp(e.h, int(n)), std::ldexp(e.l, int(n))};
}

Pair expm1_of(Pair a) {
  if (std::fabs(a.h) <= 0.34) return expm1_near(a);
  return exp_of(a) - ONE;
}

// log(1 + s): what a Newton step from the double's value leaves is far below the last bit.
Pair log1p_of(Pair s) {
  const double x = std::log1p(s.h);
  if (!std::isfinite(x) || x == 0) return {x, 0.0};
  if (s.h > 1e300) return {x, 0.0};
  const Pair e = expm1_of({-x, 0});
  const Pair left = s + e + s * e;
  return Pair{x, 0} + left - scaled(left * left, 0.5);
}

Pair log_of(Pair a) {
  if (!(a.h > 0) || !std::isfinite(a.h)) return {std::log(a.h), 0.0};
  int n = 0;
  std::frexp(a.h, &n);  // a / 2^n in [1/2, 1); a number near 1 is its own
  if (std::fabs(a.h - 1) < 0.3) n = 0;
  const Pair m = {std::ldexp(a.h, -n), std::ldexp(a.l, -n)};
  return LN2 * Pair{double(n), 0} + log1p_of(m - ONE);
}

Pair sqrt_of(Pair a) {
  const double s = std::sqrt(a.h);
  if (!(s > 0) || !std::isfinite(s)) return {s, 0.0};
  const Pair left = a - Pair{s, 0} * Pair{s, 0};
  return settled(s, left.h / (2 * s));
}

Pair sigmoid_of(Pair a) {
  if (a.h < 0) {
    const Pair e = exp_of(a);
    return e / (ONE + e);
  }
  return ONE / (ONE + exp_of(-a));
}

Pair softplus_of(Pair a) { return a.h > 0 ? a + log1p_of(exp_of(-a)) : log1p_of(exp_of(a)); }

Pair tanh_of(Pair a) {
  if (std::fabs(a.h) > 40) return {a.h > 0 ? 1.0 : -1.0, 0.0};
  const Pair e = expm1_of(scaled(a, 2));
  return e / (e + Pair{2, 0});
}

Pair sinh_of(Pair a) {
  if (std::fabs(a.h) > 700) return {std::sinh(a.h), 0.0};
  const Pair e = expm1_of(a.h < 0 ? -a : a), s = scaled(e + e / (e + ONE), 0.5);
  return a.h < 0 ? -s : s;
}

Pair cosh_of(Pair a) {
  if (std::fabs(a.h) > 700) return {std::cosh(a.h), 0.0};
  const Pair e = exp_of(a.h < 0 ? -a : a);
  return scaled(e + ONE / e, 0.5);
}

// 2 / sqrt(pi) exp(-a^2) sum 2^k a^(2k+1) / (1 * 3 * ... * (2k+1)): all terms of one sign.
Pair erf_of(Pair a) {
  if (std::isnan(a.h)) return a;
  if (std::fabs(a.h) > 6) return a.h > 0 ? settled(1.0, -std::erfc(a.h)) : settled(-1.0, std::erfc(-a.h));
  const Pair twice = scaled(a * a, 2);
  Pair term = a, s = a;
  for (int k = 1; k < 300 && std::fabs(term.h) > 1e-35 * std::fabs(s.h); ++k) {
    term = term * twice / Pair{2.0 * k + 1, 0};
    s = s + term;
  }
  return scaled(s, 2) / sqrt_of(PI) * exp_of(-(a * a));
}

// Stirling's series beyond 30, steps down to the argument.
Pair lgamma_of(Pair a) {
  if (!(a.h > 0) || a.h > 1e17) return {std::lgamma(a.h), 0.0};
  if (a.l == 0 && (a.h == 1 || a.h == 2)) return {0.0, 0.0};
  Pair product = ONE;
  while (a.h < 30) product = product * a, a = a + ONE;
  static const double above[] = {1, -1, 1, -1, 1, -691, 1, -3617, 43867, -174611, 77683, -236364091};
  static const double below[] = {12, 360, 1260, 1680, 1188, 360360, 156, 122400, 244188, 125400, 5796, 1506960};
  const Pair step = ONE / (a * a);
  Pair power = ONE / a, rest = {0, 0};
  for (int k = 0; k < 12; ++k) {
    rest = rest + power * Pair{above[k], 0} / Pair{below[k], 0};
    power = power * step;
  }
  const Pair half = {0.5, 0};
  return (a - half) * log_of(a) - a + scaled(log_of(scaled(PI, 2)), 0.5) + rest - log_of(product);
}

// sin for |a| <= 4, the range of angles; beyond it a double's.
Pair sin_of(Pair a) {
  if (!(std::fabs(a.h) <= 4)) return {std::sin(a.h), 0.0};
  Pair term = a, s = a;
  const Pair square = a * a;
  for (int k = 1; k < 40; ++k) {
    term = -(term * square) / Pair{2.0 * k * (2.0 * k + 1), 0};
    s = s + term;
  }
  return s;
}

Pair cos_of(Pair a) {
  if (!(std::fabs(a.h) <= 4)) return {std::cos(a.h), 0.0};
  Pair term = ONE, s = ONE;
  const Pair square = a * a;
  for (int k = 1; k < 40; ++k) {
    term = -(term * square) / Pair{2.0 * k * (2.0 * k - 1), 0};
    s = s + term;
  }
  return s;
}

Pair pow_of(Pair a, Pair b) {
  if (b.h == 0) return ONE;
  if (!(a.h > 0) || !std::isfinite(a.h)) return {std::pow(a.h, b.h), 0.0};
  return exp_of(b * log_of(a));
}

// The angle of (x, y) from the first axis: the double's, and what a turn back by it leaves.
Pair atan2_of(Pair y, Pair x) {
  const double angle = std::atan2(y.h, x.h);
  if (!std::isfinite(angle) || angle == 0) return {angle, 0.0};
  const Pair c = cos_of({angle, 0}), s = sin_of({angle, 0});
  return Pair{angle, 0} + (y * c - x * s) / (x * c + y * s);
}

template <class F>
void each(int64_t n, int64_t a_step, int64_t b_step, const double* ah, const double* al, const double* bh, const double* bl,
          double* h, double* l, F f) {
  for (int64_t i = 0; i < n; ++i) {
    const Pair a = {ah[i * a_step], al ? al[i * a_step] : 0.0}, b = {bh[i * b_step], bl ? bl[i * b_step] : 0.0};
    const Pair c = f(a, b);
    h[i] = c.h, l[i] = c.l;
  }
}

}  // namespace

// n results (h, l) of an operation on pairs (ah, al) and (bh, bl); al and bl may be null for zeros; a step of 0 repeats the first.
// 100: row sums of n rows of a_step numbers each.
extern "C" void pairs(int64_t op, int64_t n, int64_t a_step, int64_t b_step, const double* ah, const double* al, const double* bh,
                      const double* bl, double* h, double* l) {
#define EACH(code, expression) \
  case code: return each(n, a_step, b_step, ah, al, bh, bl, h, l, [](Pair a, Pair b) { (void)b; return expression; });
  switch (op) {
    EACH(0, a + b)
    EACH(1, a - b)
    EACH(2, a * b)
    EACH(3, a / b)
    EACH(4, pow_of(a, b))
    EACH(5, atan2_of(a, b))
    EACH(10, exp_of(a))
    EACH(11, expm1_of(a))
    EACH(12, log_of(a))
    EACH(13, log1p_of(a))
    EACH(14, sqrt_of(a))
    EACH(15, softplus_of(a))
    EACH(16, sigmoid_of(a))
    EACH(17, tanh_of(a))
    EACH(18, sinh_of(a))
    EACH(19, cosh_of(a))
    EACH(20, erf_of(a))
    EACH(21, lgamma_of(a))
    EACH(22, sin_of(a))
    EACH(23, cos_of(a))
    case 100:
      for (int64_t i = 0; i < n; ++i) {
        Pair s = {0, 0};
        for (int64_t j = 0; j < a_step; ++j) s = s + Pair{ah[i * a_step + j], al ? al[i * a_step + j] : 0.0};
        h[i] = s.h, l[i] = s.l;
      }
  }
#undef EACH
}
