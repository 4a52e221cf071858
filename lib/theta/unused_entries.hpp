// Thresholds of files that other programs wrote or people changed: what no row can use, and what the table's
// placement contradicts. Rows of at most k keys keep everything, and so do all rows of a dense head;
// fit, merge, retarget and budget never write thresholds for them, but files of other programs may hold some.
#pragma once
#include <string>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// Sentences about the table's thresholds that no row can use, which begin with `path`: at most one about
// heads that stay dense, and one about row lengths of at most the head's k. Each says how many there are, and
// names the first. Time: O(entries).
std::vector<std::string> describe_unused(const ThresholdTable& table, const std::string& path);

// Removes them, so that neither look-up nor interpolation between row lengths takes them for those of longer
// rows.
void take_out_unused(ThresholdTable& table);
// Removes only those of heads that stay dense, whose k th.txt and CSV cannot name.
void take_out_of_dense_heads(ThresholdTable& table);

// A sentence, which begins with `path`, about the layers and heads that stay dense although the file does not
// say so: th.txt and CSV tell a dense layer or head only by having no lines of it, as a file does that lost
// them. Empty if there are none. Time: O(heads * targets).
std::string describe_without_lines(const ThresholdTable& table, const std::string& path);

// A sentence, which begins with `path`, about thresholds that are no softmax weights, above 1 or below 0, in
// a table whose placement says that they are compared with weights. Empty if there are none, and where
// add_sigma moved the thresholds. Time: O(entries).
std::string describe_no_weights(const ThresholdTable& table, const std::string& path);

}  // namespace toptheta
