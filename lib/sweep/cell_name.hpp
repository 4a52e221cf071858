// Names of cells, which are names of files: readable, and safe in any file system.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace toptheta {

// Letters, digits, '.', '_', '=' and '+' are kept, '*' becomes 'x', blanks become '-', and everything else
// '_'. At most 160 bytes, not empty, and without a leading dot.
std::string safe_name(std::string_view text);

// Names that several identities share (ignoring the case of letters) get a digest of the identity appended,
// which is the same for the same identity in any sweep. Both lists have the same length.
void make_distinct(std::vector<std::string>& names, const std::vector<std::string>& identities);

}  // namespace toptheta
