// Style and script of the page.
#pragma once
namespace toptheta::page {
extern const char* const kPageStyle;
extern const char* const kPageScript;
}  // namespace toptheta::page
