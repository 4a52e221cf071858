// One line of the authors' text files.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

namespace toptheta {

struct AuthorsLine {
  std::int64_t number = 0;  // from 1
  std::int64_t layer = 0;
  std::int64_t head = 0;
  std::int32_t length = 0;
  double value = 0;        // theta or M
  std::int64_t count = 0;  // number of samples
  std::int64_t k = 0;      // in th.txt only
};

// Calls `use` for each line of `text`, in order. `columns` is 4 for th.txt, and 3 for sdc.txt, which has no
// k. Blank lines are skipped; carriage returns at line ends are accepted. Throws InputError naming file and
// line.
void for_each_authors_line(const std::string& text, const std::string& file, int columns,
                           const std::function<void(const AuthorsLine&)>& use);

}  // namespace toptheta
