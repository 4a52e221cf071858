// What a table says about itself, as JSON; its provenance apart (theta/formats/provenance_json.hpp).
#pragma once
#include <nlohmann/json.hpp>

#include "theta/table.hpp"

namespace toptheta {

// Keys in the order of theta/formats/json.hpp.
nlohmann::ordered_json json_from(const TableMeta& meta);

}  // namespace toptheta
