#include "kernels/rows/histogram.hpp"

#include <algorithm>

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rows/histogram.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, 16>;
using Doubles = hn::CappedTag<double, 8>;
using Ints = hn::RebindToSigned<Floats>;

// The number of elements whose places and words are computed before any is added, so that their loads and
// stores overlap.
constexpr std::size_t kBatch = 32;

struct Batch {
  HWY_ALIGN std::int32_t places[kBatch];  // of the bin's first word
  HWY_ALIGN std::uint64_t words[kBatch];
};

// The words to add: a count of one and the mass. Adding 2^52 leaves the rounded mass in the low bits of the
// double.
HWY_INLINE void FillWords(const float* masses, double mass_unit, Batch& batch) {
  const Doubles dd;
  const hn::RebindToUnsigned<Doubles> du;
  const hn::Rebind<float, Doubles> df;
  const auto unit = hn::Set(dd, mass_unit);
  const auto magic = hn::Set(dd, 0x1p52);
  const auto one = hn::Set(du, (std::uint64_t{1} << kHistogramCountShift) - 0x4330000000000000U);
  for (std::size_t i = 0; i < kBatch; i += hn::Lanes(dd)) {
    const auto sum = hn::MulAdd(hn::PromoteTo(dd, hn::LoadU(df, masses + i)), unit, magic);
    hn::Store(hn::Add(hn::BitCast(du, sum), one), du, batch.words + i);
  }
}

HWY_INLINE void Scatter(const Batch& batch, std::uint64_t* HWY_RESTRICT words) {
  static_assert(kHistogramWays == 4);
  for (std::size_t i = 0; i < kBatch; i += 4) {
    words[batch.places[i]] += batch.words[i];
    words[batch.places[i + 1] + 1] += batch.words[i + 1];
    words[batch.places[i + 2] + 2] += batch.words[i + 2];
    words[batch.places[i + 3] + 3] += batch.words[i + 3];
  }
}

// bins_of(v) gives the bins of a vector of floats. Both spans have the same size.
template <class BinsOf>
HWY_INLINE void Count(std::span<const float> values, std::span<const float> masses, double mass_unit,
                      std::int32_t first, std::uint64_t* words, const BinsOf& bins_of) {
  const Floats d;
  const Ints di;
  const auto base = hn::Set(di, first);
  Batch batch;
  const auto fill = [&](const float* from, const float* mass) HWY_ATTR {
    for (std::size_t i = 0; i < kBatch; i += hn::Lanes(d))
      hn::Store(hn::ShiftLeft<2>(hn::Sub(bins_of(hn::LoadU(d, from + i)), base)), di, batch.places + i);
    FillWords(mass, mass_unit, batch);
  };
  std::size_t j = 0;
  for (; j + kBatch <= values.size(); j += kBatch) {
    fill(values.data() + j, masses.data() + j);
    Scatter(batch, words);
  }
  if (j == values.size()) return;
  HWY_ALIGN float last_values[kBatch] = {};
  HWY_ALIGN float last_masses[kBatch] = {};
  const auto offset = static_cast<std::ptrdiff_t>(j);
  std::copy(values.begin() + offset, values.end(), last_values);
  std::copy(masses.begin() + offset, masses.end(), last_masses);
  fill(last_values, last_masses);
  for (std::size_t i = 0; i < values.size() - j; ++i)
    words[batch.places[i] + static_cast<std::int32_t>(i % kHistogramWays)] += batch.words[i];
}

void CountScores(std::span<const float> scores, std::span<const float> masses, double mass_unit,
                 const ScoreBinning& binning, std::int32_t first, std::uint64_t* words) {
  const Floats d;
  const Ints di;
  const auto per_unit = hn::Set(d, binning.per_unit);
  const auto limit = hn::Set(d, binning.limit);
  Count(scores, masses, mass_unit, first, words, [&](auto values) HWY_ATTR {
    const auto scaled = hn::Max(hn::Min(hn::Mul(values, per_unit), limit), hn::Neg(limit));
    return hn::ConvertTo(di, hn::Floor(scaled));
  });
}

void CountWeights(std::span<const float> masses, float weight_unit, double mass_unit,
                  const WeightBinning& binning, std::int32_t first, std::uint64_t* words) {
  const Floats d;
  const Ints di;
  const auto unit = hn::Set(d, weight_unit);
  const auto one = hn::Set(di, binning.one);
  const auto lowest = hn::Set(di, binning.lowest);
  Count(masses, masses, mass_unit, first, words, [&](auto values) HWY_ATTR {
    const auto bits = hn::BitCast(di, hn::Mul(values, unit));
    return hn::Max(hn::Sub(hn::ShiftRightSame(bits, binning.shift), one), lowest);
  });
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(CountScores);
HWY_EXPORT(CountWeights);

void count_scores(std::span<const float> scores, std::span<const float> masses, double mass_unit,
                  const ScoreBinning& binning, std::int32_t first, std::uint64_t* words) {
  HWY_DYNAMIC_DISPATCH(CountScores)(scores, masses, mass_unit, binning, first, words);
}

void count_weights(std::span<const float> masses, float weight_unit, double mass_unit,
                   const WeightBinning& binning, std::int32_t first, std::uint64_t* words) {
  HWY_DYNAMIC_DISPATCH(CountWeights)(masses, weight_unit, mass_unit, binning, first, words);
}

}  // namespace toptheta
#endif  // HWY_ONCE
