// The columns of a threshold entry: the one list that files, exchange formats, checks, smoothing and look-up
// use. A new column is a new member of ThresholdEntry and a new line here.
#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <variant>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

using ColumnMember =
    std::variant<std::int32_t ThresholdEntry::*, std::int64_t ThresholdEntry::*, double ThresholdEntry::*>;

struct ThresholdColumn {
  std::string_view name;      // in every format
  ColumnMember member;        // its type is also the column's type in binary formats
  double least;               // values must be finite and at least this
  std::string_view expected;  // the same in words
  double most = std::numeric_limits<double>::max();
  // Whether values may be missing ("not calibrated"): NaN in memory, empty in CSV, null in JSON.
  bool may_be_missing = false;
  // Whether the column is written only where some entry has a value, and is read as missing where a file
  // lacks it. Files without such values then look as they did before the column existed.
  bool only_where_present = false;
  bool for_kernels = false;  // written to C headers
  bool averaged = false;     // by length smoothing, which only interpolates other real columns
};

inline constexpr std::array<ThresholdColumn, 7> kThresholdColumns = {{
    {.name = "length",
     .member = &ThresholdEntry::length,
     .least = 1,
     .expected = "a row length of at least 1"},
    {.name = "theta",
     .member = &ThresholdEntry::theta,
     .least = std::numeric_limits<double>::lowest(),
     .expected = "a finite number",
     .averaged = true},
    {.name = "std", .member = &ThresholdEntry::std, .least = 0, .expected = "a finite number of at least 0"},
    {.name = "count",
     .member = &ThresholdEntry::count,
     .least = 0,
     .expected = "a number of rows of at least 0"},
    {.name = "sdc",
     .member = &ThresholdEntry::sdc,
     .least = 0,
     .expected = "a finite number of at least 0",
     .may_be_missing = true,
     .for_kernels = true,
     .averaged = true},
    {.name = "kept_mass",
     .member = &ThresholdEntry::kept_mass,
     .least = 0,
     .expected = "a share from 0 to 1",
     .most = 1.01,  // weights that were rounded to 16 bits may add up to a little more than 1
     .may_be_missing = true},
    {.name = "rho",
     .member = &ThresholdEntry::rho,
     .least = 0,
     .expected = "a finite number of at least 0",
     .may_be_missing = true,
     .only_where_present = true,
     .for_kernels = true,
     .averaged = true},
}};

// The type of the member that a member pointer points to.
template <class T>
T value_type_of(T ThresholdEntry::*);

// The value of an entry in a column, as a double.
inline double column_value(const ThresholdEntry& entry, const ThresholdColumn& column) {
  return std::visit([&entry](auto member) { return static_cast<double>(entry.*member); }, column.member);
}

using ThresholdCells = std::vector<std::vector<ThresholdEntry>>;

// Whether some entry has a value in the column.
bool has_value(const ThresholdColumn& column, const ThresholdCells& cells);
// Whether files with these cells contain the column.
inline bool is_written(const ThresholdColumn& column, const ThresholdCells& cells) {
  return !column.only_where_present || has_value(column, cells);
}

}  // namespace toptheta
