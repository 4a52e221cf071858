// The attributes of a table as JSON, without its provenance (theta/formats/provenance_json.hpp).
#pragma once
#include <nlohmann/json.hpp>

#include "theta/table.hpp"

namespace toptheta {

// The keys have the order of theta/formats/json.hpp.
nlohmann::ordered_json json_from(const TableMeta& meta);

}  // namespace toptheta
