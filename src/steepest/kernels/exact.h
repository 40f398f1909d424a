// exp of what is not positive, and log, without a call, so that loops over them become vectors.
#pragma once
#include <cstdint>

namespace {

constexpr int64_t MANY = 1 << 18;  // entries from which on a float is fine enough for floats, since doubles take twice as long

template <class To, class From>
inline To bits(From from) { return __builtin_bit_cast(To, from); }

// exp(d + rest) for d <= 0, rest below d's last digit; below -104 (float) and -745 (double) exactly 0, -inf included. Taylor terms reach half an ulp.
inline float exp_of(float d, float rest = 0) {
  float clamped = d < -104.0f ? -104.0f : d;
  float shifted = clamped * 1.44269504f + 12582912.0f;
  float n = shifted - 12582912.0f;
  float r = (clamped - n * 0.693359375f) + (n * 2.12194440e-4f + rest);
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r * r + r + 1.0f;
  // 2^(n + 24), then 2^-24: in two steps, so that subnormal results are rounded, not lost
  float scaled = p * bits<float>((bits<int32_t>(shifted) - 0x4B400000 + 24 + 127) << 23) * 0x1p-24f;
  return d < -104.0f ? 0.0f : scaled;
}

inline double exp_of(double d, double rest = 0) {
  double clamped = d < -745.0 ? -745.0 : d;
  double shifted = clamped * 1.4426950408889634 + 6755399441055744.0;
  double n = shifted - 6755399441055744.0;
  double r = (clamped - n * 6.93147180369123816490e-01) - (n * 1.90821492927058770002e-10 - rest);
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r * r + r + 1.0;
  double scaled = p * bits<double>((bits<int64_t>(shifted) - 0x4338000000000000 + 54 + 1023) << 52) * 0x1p-54;
  return d < -745.0 ? 0.0 : scaled;
}

// exp(d) for d <= 0 in double, as near as results of type T need: eighteen bits to spare for a float.
template <class T>
inline T exp_for(float d) { return exp_of(d); }

template <class T>
inline double exp_for(double d) { return exp_of(d); }

template <>
inline double exp_for<float>(double d) {
  double clamped = d < -745.0 ? -745.0 : d;
  double shifted = clamped * 1.4426950408889634 + 6755399441055744.0;
  double n = shifted - 6755399441055744.0;
  double r = (clamped - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
  double p = 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r * r + r + 1.0;
  double scaled = p * bits<double>((bits<int64_t>(shifted) - 0x4338000000000000 + 54 + 1023) << 52) * 0x1p-54;
  return d < -745.0 ? 0.0 : scaled;
}

// log of a normal positive number.
inline double log_of(double v) {
  int64_t raw = bits<int64_t>(v) - 0x3FE6A09E667F3BCD;  // sqrt(1/2): the mantissa lands in [0.71, 1.41)
  int64_t k = raw >> 52;
  double m = bits<double>((raw & 0x000FFFFFFFFFFFFF) + 0x3FE6A09E667F3BCD);
  double f = (m - 1.0) / (m + 1.0), g = f * f;
  double p = 1.0 / 23;
  for (int term = 21; term >= 1; term -= 2) p = p * g + 1.0 / term;
  return 2.0 * f * p + double(k) * 0.6931471805599453;
}

// exp(x - top) for x <= top, what the difference rounds away included.
template <class T>
inline T exp_below(T x, T top) {
  const T d = x - top, v = d - x, rest = (x - (d - v)) - (top + v);
  return exp_of(d, d < T(sizeof(T) == 4 ? -104 : -745) ? T(0) : rest);
}

// The same of floats, in the type that is asked for.
template <class R, class T>
inline R exp_below_in(T x, T top) {
  if (sizeof(R) == sizeof(T)) return exp_below<R>(x, top);
  return R(exp_for<float>(double(x) - double(top)));
}

}  // namespace
