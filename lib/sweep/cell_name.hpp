// Names of cells, which are names of files: readable, and safe in any file system.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace toptheta {

// Letters, digits, '.', '_', '=', '+', '*' become themselves but for '*' (x); blanks become '-', everything
// else '_'. At most 160 bytes, not empty, and no dot at its start.
std::string safe_name(std::string_view text);

// Names that several identities share, whatever the case of letters, get a digest of their identity at their
// end: the same for the same identity in any sweep. Both of equal length.
void make_distinct(std::vector<std::string>& names, const std::vector<std::string>& identities);

}  // namespace toptheta
