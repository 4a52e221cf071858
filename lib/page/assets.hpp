// Style and scripts of the page, as they are in the files next to this one; and D3, from TT_D3.
// cmake/EmbedText.cmake makes the sources that define them.
#pragma once
namespace toptheta::page {
extern const char* const kPageStyle;    // page.css
extern const char* const kPageScript;   // page.js
extern const char* const kChartScript;  // charts.js, which needs D3
extern const char* const kD3;
extern const char* const kD3Licence;  // d3_licence.txt, which every copy of D3 must carry
}  // namespace toptheta::page
