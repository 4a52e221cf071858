// Text into HTML and SVG, so that no name can break them, and numbers as people read them.
#pragma once
#include <string>
#include <string_view>

namespace toptheta::page {

// For contents and quoted attributes: & < > " ' are written as entities, control characters and bytes that
// are not UTF-8 as U+FFFD.
std::string escaped(std::string_view text);
// "4.19%", "0.031%", "100%"; "-" where absent.
std::string percent(double fraction);
// Three or four significant digits; "-" where absent.
std::string short_number(double value);
// Reads back as the same double; empty where absent.
std::string exact_number(double value);
// A file's name of letters, digits, '-', '_' and '.'.
std::string file_name(std::string_view text);

}  // namespace toptheta::page
