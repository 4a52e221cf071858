// Escapes text for HTML and SVG, so that no name can break them, and formats numbers for people.
#pragma once
#include <string>
#include <string_view>

namespace toptheta::page {

// For contents and quoted attributes: & < > " ' become entities, control characters and bytes that are not
// UTF-8 become U+FFFD.
std::string escaped(std::string_view text);
// "4.19%", "0.031%", "100%"; "-" if absent.
std::string percent(double fraction);
// Three or four significant digits; "-" if absent.
std::string short_number(double value);
// Reads back as the same double; empty if absent.
std::string exact_number(double value);
// A file name that consists of letters, digits, '-', '_' and '.'.
std::string file_name(std::string_view text);

}  // namespace toptheta::page
