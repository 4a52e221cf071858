// Bins of row lengths: so many to the octave, equally wide within it (single lengths where an octave is
// shorter). docs/calibration.md, "Length bins".
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace toptheta {

inline constexpr std::int64_t kMostLengthBins = 64;  // to the octave

// The bin of a row length of at least 1, ascending with it.
std::int32_t length_bin(std::int32_t length, std::int32_t per_octave);

// Which row lengths share a threshold. 0 to the octave: none, every length stands for itself.
class LengthBins {
 public:
  explicit LengthBins(std::int64_t per_octave = 0) : per_octave_(static_cast<std::int32_t>(per_octave)) {}

  [[nodiscard]] bool any() const { return per_octave_ > 0; }
  // The same for all lengths of a bin, ascending: the length itself where there are no bins.
  [[nodiscard]] std::int32_t key(std::int32_t length) const {
    return any() ? length_bin(length, per_octave_) : length;
  }
  // Whether some length has this key.
  [[nodiscard]] bool is_key(std::int32_t key) const;
  // The first and the last length of a bin that is not empty.
  [[nodiscard]] std::int32_t shortest(std::int32_t key) const;
  [[nodiscard]] std::int32_t longest(std::int32_t key) const;
  // Calls visit(first, last) for every bin that meets shortest ... longest, cut to that range.
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

// "8", or "all": every length by itself, which is 0. Throws UsageError naming the flag.
std::int64_t parse_length_bins(std::string_view text, std::string_view flag);
std::string format_length_bins(std::int64_t per_octave);

}  // namespace toptheta
