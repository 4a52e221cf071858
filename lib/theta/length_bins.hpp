// Bins of row lengths: a number of bins per octave, equally wide within it (single lengths where an octave
// has fewer). See docs/calibration.md, "Length bins".
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace toptheta {

inline constexpr std::int64_t kMostLengthBins = 64;  // per octave

// The bin of a row length of at least 1; longer rows never have a smaller bin.
std::int32_t length_bin(std::int32_t length, std::int32_t per_octave);

// Which row lengths share a threshold. With 0 bins per octave none do: every length has its own.
class LengthBins {
 public:
  explicit LengthBins(std::int64_t per_octave = 0) : per_octave_(static_cast<std::int32_t>(per_octave)) {}

  [[nodiscard]] bool any() const { return per_octave_ > 0; }
  // The key of a length: its bin, or the length itself where there are no bins. Longer rows never have a
  // smaller key.
  [[nodiscard]] std::int32_t key(std::int32_t length) const {
    return any() ? length_bin(length, per_octave_) : length;
  }
  // Whether any length has this key.
  [[nodiscard]] bool is_key(std::int32_t key) const;
  // The shortest and the longest length with this key, which must be the key of some length.
  [[nodiscard]] std::int32_t shortest(std::int32_t key) const;
  [[nodiscard]] std::int32_t longest(std::int32_t key) const;
  // Calls visit(first, last) for each bin that overlaps the range of rows, cut to that range.
  template <typename Visit>
  void for_each(std::int32_t shortest_row, std::int32_t longest_row, Visit visit) const {
    for (std::int32_t first = shortest_row; first <= longest_row;) {
      const std::int32_t last = std::min(longest_row, longest(key(first)));
      visit(first, last);
      if (last == longest_row) return;
      first = last + 1;
    }
  }

 private:
  std::int32_t per_octave_;
};

// Parses "8", or "all", which gives 0 (no bins). Throws UsageError naming the flag.
std::int64_t parse_length_bins(std::string_view text, std::string_view flag);
std::string format_length_bins(std::int64_t per_octave);

}  // namespace toptheta
