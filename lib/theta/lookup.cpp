#include "theta/lookup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/error.hpp"

namespace toptheta {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// The calibrated value for one length.
struct Sample {
  std::int64_t length;
  double value;
};

// The value for a length between `below` and `above`.
double between(const Sample& below, const Sample& above, std::int64_t length, LengthLookup method) {
  const auto from_below = static_cast<double>(length - below.length);
  const auto to_above = static_cast<double>(above.length - length);
  if (method == LengthLookup::nearest) return to_above < from_below ? above.value : below.value;
  const double weight = from_below / (from_below + to_above);
  return (1 - weight) * below.value + weight * above.value;
}

// Calls store(length, value) for first <= length <= last. `samples` is sorted by length and not empty.
template <typename Store>
void resolve(const std::vector<Sample>& samples, std::int64_t first, std::int64_t last, LengthLookup method,
             Store store) {
  std::size_t above = 0;  // the first sample not shorter than the length
  for (std::int64_t length = first; length <= last; ++length) {
    while (above < samples.size() && samples[above].length < length)
      ++above;
    if (above == samples.size()) {
      store(length, samples.back().value);
    } else if (above == 0 || samples[above].length == length) {
      store(length, samples[above].value);
    } else {
      store(length, between(samples[above - 1], samples[above], length, method));
    }
  }
}

// The entries that have a value in the column.
std::vector<Sample> samples_of(const std::vector<ThresholdEntry>& entries, double ThresholdEntry::*column) {
  std::vector<Sample> samples;
  samples.reserve(entries.size());
  for (const ThresholdEntry& entry : entries)
    if (!std::isnan(entry.*column)) samples.push_back({entry.length, entry.*column});
  return samples;
}

// Fills terms[first] ... terms[terms.size() - 1]; returns false where no entry has a term.
bool resolve_terms(const std::vector<Sample>& samples, std::int64_t first, LengthLookup method,
                   std::span<float> terms) {
  if (samples.empty()) return false;
  resolve(samples, first, static_cast<std::int64_t>(terms.size()) - 1, method,
          [terms](std::int64_t length, double value) {
            terms[static_cast<std::size_t>(length)] = static_cast<float>(value);
          });
  return true;
}

}  // namespace

float rounded_down(double value) {
  const auto nearest = static_cast<float>(value);
  return nearest > value ? std::nextafter(nearest, -kInfinity) : nearest;
}

ThresholdLookup::ThresholdLookup(const ThresholdTable& table, std::int64_t k, std::int64_t max_length,
                                 LengthLookup method)
    : num_heads_(table.meta.shape.num_heads), max_length_(max_length), has_sdc_(true), has_rho_(true) {
  const Target& target = table.target(k);
  if (table.meta.length_bins > 0)
    method = LengthLookup::linear;  // the entry of a bin stands for the lengths around it
  const std::size_t size = target.cells.size() * static_cast<std::size_t>(max_length + 1);
  theta_.assign(size, -kInfinity);
  sdc_.assign(size, kNaN);
  rho_.assign(size, kNaN);
  if (target.has_rho_laws()) rho_laws_ = target.rho_laws;
  for (std::size_t cell = 0; cell < target.cells.size(); ++cell) {
    const auto layer = static_cast<std::int64_t>(cell) / num_heads_;
    const std::int64_t head = static_cast<std::int64_t>(cell) % num_heads_;
    float* theta = theta_.data() + offset(layer, head);
    const std::int64_t head_k = target.k_of(cell);
    const std::span<float> sdc = terms_of(sdc_, layer, head, head_k);
    const std::span<float> rho = terms_of(rho_, layer, head, head_k);
    if (head_k >= max_length) continue;  // every row is dense

    const std::vector<ThresholdEntry>& entries = target.cells[cell];
    if (entries.empty())
      throw InputError(
          {.where = fmt::format("threshold table, k = {}, layer {}, head {}", target.k, layer, head),
           .what = "no thresholds for a head that is not dense",
           .expected = fmt::format("thresholds for row lengths above {}", head_k),
           .found = fmt::format("none, but rows of up to {} keys to attend", max_length),
           .next = fmt::format("calibrate with longer texts, or with --layer-k {}:dense", layer)});
    const std::int64_t first = head_k + 1;
    resolve(samples_of(entries, &ThresholdEntry::theta), first, max_length, method,
            [theta](std::int64_t length, double value) { theta[length] = rounded_down(value); });
    has_sdc_ = resolve_terms(samples_of(entries, &ThresholdEntry::sdc), first, method, sdc) && has_sdc_;
    const bool has_rho = resolve_terms(samples_of(entries, &ThresholdEntry::rho), first, method, rho);
    has_rho_ = (has_rho || rho_law(layer, head).any()) && has_rho_;
  }
}

std::span<const float> ThresholdLookup::theta(std::int64_t layer, std::int64_t head) const {
  return {theta_.data() + offset(layer, head), static_cast<std::size_t>(max_length_ + 1)};
}

std::span<float> ThresholdLookup::terms_of(std::vector<float>& all, std::int64_t layer, std::int64_t head,
                                           std::int64_t k) const {
  const std::span<float> terms(all.data() + offset(layer, head), static_cast<std::size_t>(max_length_ + 1));
  std::fill_n(terms.begin(), std::min(k, max_length_) + 1, 0.0F);
  return terms;
}

std::span<const float> ThresholdLookup::rho(std::int64_t layer, std::int64_t head) const {
  return {rho_.data() + offset(layer, head), static_cast<std::size_t>(max_length_ + 1)};
}

std::span<const float> ThresholdLookup::sdc(std::int64_t layer, std::int64_t head) const {
  return {sdc_.data() + offset(layer, head), static_cast<std::size_t>(max_length_ + 1)};
}

}  // namespace toptheta
