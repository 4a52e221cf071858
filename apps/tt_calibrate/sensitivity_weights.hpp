// What tt-eval sensitivity found, as the weights of a budget.
#pragma once
#include <string>
#include <vector>

#include "core/shape.hpp"

namespace toptheta::app {

// [layers * heads], nats of the nll that a row's lost mass in a head costs: what a layer or head alone lost,
// over the softmax mass that it dropped; a layer's is spread evenly over its heads. A loss that does not rise
// above its standard error counts as that error. What cannot be told, because nothing was dropped there, is
// the mean of the others. Throws InputError for what is no sensitivity of a model of this shape, and where no
// part loses anything.
std::vector<double> read_sensitivity_weights(const std::string& path, const ModelShape& shape);

}  // namespace toptheta::app
