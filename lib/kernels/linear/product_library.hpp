// Names the library that computes matrix products.
#pragma once
#include <string>

namespace toptheta {

// "oneDNN 2.6.3, avx512_core_bf16": the version of the library, and the widest instruction set that it uses
// on this processor.
std::string product_library();

}  // namespace toptheta
