// {{ about }}
//
// Layer-sequential engine for the integer-only network of neuronas {{ version }} (docs/reference/export-formats.md), Verilog-2005.
// The layers are instructions in program.hex; weights, tables and values are in memories. LANES outputs of a layer
// with weights are computed at a time. Written by neuronas; the memories' content depends on LANES.
module neuronas (
    input  wire clock,
    input  wire reset,                               // synchronous
    input  wire frame_write,                         // writes a pixel: by row, column and channel
    input  wire [{{ frame_bits - 1 }}:0] frame_address,
    input  wire [7:0] frame_pixel,
    input  wire start,                               // one cycle: compute {{ "the next time step" if n_frames > 1 else "all time steps" }} of the frame
    output reg  busy,
    output reg  [15:0] class_number,                 // valid when no longer busy{{ ", after the last time step" if n_frames > 1 }}
    input  wire [{{ class_bits - 1 }}:0] score_address, // when not busy: the score follows one cycle later
    output wire signed [31:0] score,
    output reg  spike_valid,                         // a neuron was updated: by layer, row, column and channel
    output reg  spike,
    output reg  [15:0] spike_layer
);
    localparam LANES = {{ lanes }}, CODE_BITS = {{ code_bits }}, INPUT_BITS = {{ input_bits }};
    localparam TIMESTEPS = {{ timesteps }}, FRAMES = {{ n_frames }}, CLASSES = {{ n_classes }}, SCORES = {{ scores }};
    localparam N_FIELDS = {{ n_fields }}, N_INSTRUCTIONS = {{ n_instructions }};
    localparam A = {{ address_bits }};                // bits of addresses and counters

    localparam IMAGE = 0, WEIGHTS = 1, NEURONS = 2, POOL = 3, ADD = 4;
    localparam IDLE = 0, FETCH = 1, DISPATCH = 2, ELEMENT = 3, WINDOW = 4, DRAIN = 5, LANE = 6, DIVIDE = 7,
               STORE = 8, NEXT = 9, ARGMAX = 10, BLOCK = 11;

    reg signed [31:0] program_memory [0:{{ n_program - 1 }}];
    reg [LANES * CODE_BITS - 1:0] code_memory [0:{{ n_codes - 1 }}];
    reg signed [31:0] table_memory [0:{{ n_table - 1 }}];
    reg signed [31:0] value_memory [0:{{ n_values - 1 }}];
    reg signed [15:0] membrane_memory [0:{{ n_membranes - 1 }}];
    reg [7:0] frame_memory [0:{{ n_frame - 1 }}];
    initial begin
        $readmemh("program.hex", program_memory);
        $readmemh("codes.hex", code_memory);
        $readmemh("table.hex", table_memory);
    end

    reg [A-1:0] program_address, code_address, table_address, read_address, write_address, membrane_address;
    reg [A-1:0] pixel_address, membrane_write_address;
    reg value_write, membrane_write;
    reg signed [31:0] write_value;
    reg signed [15:0] write_membrane;
    reg signed [31:0] program_word, table_word, value_word;
    reg [LANES * CODE_BITS - 1:0] code_word;
    reg signed [15:0] membrane_word;
    reg [7:0] pixel_word;
    wire [A-1:0] value_address = busy ? read_address : SCORES + score_address;
    assign score = value_word;

    always @(posedge clock) program_word <= program_memory[program_address];
    always @(posedge clock) code_word <= code_memory[code_address];
    always @(posedge clock) table_word <= table_memory[table_address];
    always @(posedge clock) begin
        if (value_write) value_memory[write_address] <= write_value;
        value_word <= value_memory[value_address];
    end
    always @(posedge clock) begin
        if (membrane_write) membrane_memory[membrane_write_address] <= write_membrane;
        membrane_word <= membrane_memory[membrane_address];
    end
    always @(posedge clock) begin
        if (frame_write) frame_memory[frame_address] <= frame_pixel;
        pixel_word <= frame_memory[pixel_address];
    end

    // The current instruction.
    reg [2:0] operation;
    reg is_static, is_maximum, is_rescaled;
    reg [1:0] overwrite;
    reg [A-1:0] starts, source, target, n_rows, n_columns, n_in, n_out, kernel_rows, kernel_columns, stride_rows,
                stride_columns, padding, in_rows, in_columns, codes, tables, divisor, membranes, n_per_group,
                n_in_group, layer;
    reg [4:0] pre_shift;
    reg signed [31:0] factor;
    reg [15:0] leak;

    reg [3:0] state;
    reg [A-1:0] field, instruction, time_step;
    reg [A-1:0] row, column, i, j, c, element, channel, output_base, in_base, n_done, code_base;
    reg [3:0] phase;
    reg [A-1:0] lane;
    reg signed [31:0] sums [0:LANES-1];
    reg signed [31:0] multiplicand, multiplier, product, added, x, total;
    reg signed [31:0] current, threshold;
    reg valid_0, valid_1;
    reg [31:0] numerator, quotient;
    reg [31:0] remainder;
    reg negative;
    reg [5:0] bit_number;
    reg signed [31:0] best;
    reg [15:0] best_class;

    wire is_first = time_step == starts;
    wire signed [A:0] y_in = $signed({1'b0, row * stride_rows}) + $signed({1'b0, i}) - $signed({1'b0, padding});
    wire signed [A:0] x_in = $signed({1'b0, column * stride_columns}) + $signed({1'b0, j}) - $signed({1'b0, padding});
    wire inside = !y_in[A] && !x_in[A] && y_in[A-1:0] < in_rows && x_in[A-1:0] < in_columns;
    wire last_c = c + 1 == n_in_group, last_j = j + 1 == kernel_columns, last_i = i + 1 == kernel_rows;
    wire [A-1:0] pixel = row * n_columns + column;
    wire signed [31:0] limited = x > table_word ? table_word : x < -table_word ? -table_word : x;
    wire signed [31:0] leaked = ((product + 32'sd16384) >>> 15) + current;
    wire signed [31:0] potential = leaked > 32'sd32767 ? 32'sd32767 : leaked < -32'sd32768 ? -32'sd32768 : leaked;
    wire fires = potential >= threshold;
    wire signed [31:0] scaled = (product + added) >>> table_word[4:0];
    wire signed [31:0] rounding = pre_shift == 0 ? 32'sd0 : (32'sd1 <<< pre_shift) >>> 1;
    wire signed [31:0] lane_sum = sums[lane];
    wire signed [31:0] dividend = total + $signed({1'b0, divisor >> 1});
    wire [31:0] next_remainder = {remainder[30:0], numerator[31]};
    wire fits = next_remainder >= divisor;
    integer p;

    always @(posedge clock) begin
        value_write <= 0;
        membrane_write <= 0;
        spike_valid <= 0;
        valid_1 <= valid_0;
        valid_0 <= 0;
        product <= multiplicand * multiplier;
        if (reset) begin
            state <= IDLE;
            busy <= 0;
            time_step <= 0;
            valid_1 <= 0;
        end else case (state)
        IDLE: if (start) begin
            busy <= 1;
            instruction <= 0;
            program_address <= 0;
            field <= 0;
            state <= FETCH;
        end
        FETCH: begin // a word arrives in the cycle after its address
            program_address <= program_address + 1;
            field <= field + 1;
            case (field)
{% for name in fields %}
            {{ loop.index0 + 1 }}: {{ name }} <= program_word;
{% endfor %}
            default: ;
            endcase
            if (field == N_FIELDS) state <= DISPATCH;
        end
        DISPATCH: begin
            row <= 0; column <= 0; i <= 0; j <= 0; c <= 0; element <= 0; channel <= 0; phase <= 0; lane <= 0;
            output_base <= 0; in_base <= 0; n_done <= 0; code_base <= codes; code_address <= codes;
            for (p = 0; p < LANES; p = p + 1) sums[p] <= 0;
            total <= is_maximum ? 32'sh80000000 : 0;
            if ((is_static && time_step != 0) || time_step < starts) state <= NEXT;
            else if (operation == WEIGHTS || operation == POOL) state <= WINDOW;
            else state <= ELEMENT;
        end
        ELEMENT: begin // IMAGE, NEURONS and ADD: one value at a time
            phase <= phase + 1;
            case (phase)
            0: begin
                pixel_address <= element;
                read_address <= source + element;
                membrane_address <= membranes + element;
                table_address <= operation == NEURONS ? tables + (channel << 2) : tables + channel * 3;
            end
            1: begin
                table_address <= table_address + 1;
                read_address <= target + element;
            end
            2: begin
                table_address <= table_address + 1;
                x <= value_word;
                multiplicand <= operation == IMAGE ? {24'b0, pixel_word} : value_word;
                multiplier <= operation == ADD ? factor : table_word;
            end
            3: begin
                table_address <= table_address + 1;
                added <= table_word;
                x <= value_word; // ADD: the value already in the target
                if (operation == NEURONS) multiplicand <= limited;
            end
            4: case (operation)
                IMAGE: begin
                    write_value <= scaled;
                    write_address <= target + element;
                    value_write <= 1;
                    state <= STORE;
                end
                ADD: begin
                    x <= overwrite == 1 || (overwrite == 2 && time_step == 0) ? 32'sd0 : x;
                    total <= multiplier == 0 ? 32'sd0 : product; // the first sum may read uninitialised memory
                    state <= divisor == 1 ? STORE : DIVIDE;
                    phase <= 0;
                end
                default: threshold <= table_word;
            endcase
            5: begin
                current <= (product + 32'sd8192) >>> 14;
                added <= table_word; // potential after a spike
                multiplicand <= is_first ? table_word : {% raw %}{{16{membrane_word[15]}}, membrane_word}{% endraw %};
                multiplier <= {16'b0, leak};
            end
            7: begin
                write_value <= fires;
                write_address <= target + element;
                value_write <= 1;
                write_membrane <= fires ? added[15:0] : potential[15:0];
                membrane_write_address <= membranes + element;
                membrane_write <= 1;
                spike_valid <= 1;
                spike <= fires;
                spike_layer <= layer;
                state <= STORE;
            end
            default: ;
            endcase
        end
        WINDOW: begin // an input each cycle; its value and weights are added two cycles later
            read_address <= source + (y_in[A-1:0] * in_columns + x_in[A-1:0]) * n_in + in_base + c;
            valid_0 <= inside;
            if (operation == WEIGHTS) code_address <= code_base;
            code_base <= code_base + 1;
            if (!last_c) c <= c + 1;
            else begin
                c <= 0;
                if (!last_j) j <= j + 1;
                else begin
                    j <= 0;
                    if (!last_i) i <= i + 1;
                    else begin
                        i <= 0;
                        phase <= 0;
                        state <= DRAIN;
                    end
                end
            end
        end
        DRAIN: begin
            phase <= phase + 1;
            if (phase == 1) begin
                phase <= 0;
                lane <= 0;
                state <= operation == WEIGHTS ? LANE : divisor == 1 ? STORE : DIVIDE;
            end
        end
        LANE: begin // one at a time of the outputs that were computed together
            phase <= phase + 1;
            case (phase)
            0: begin
                table_address <= tables + (output_base + n_done + lane) * 3;
                if (!is_rescaled) begin
                    write_value <= lane_sum;
                    write_address <= target + pixel * n_out + output_base + n_done + lane;
                    value_write <= 1;
                    phase <= 5;
                end
            end
            1: table_address <= table_address + 1;
            2: begin
                table_address <= table_address + 1;
                multiplicand <= (lane_sum + rounding) >>> pre_shift;
                multiplier <= table_word;
            end
            3: added <= table_word;
            4: begin
                write_value <= scaled;
                write_address <= target + pixel * n_out + output_base + n_done + lane;
                value_write <= 1;
            end
            default: begin
                phase <= 0;
                lane <= lane + 1;
                if (lane + 1 == LANES || n_done + lane + 1 == n_per_group) state <= BLOCK;
            end
            endcase
        end
        BLOCK: begin // the next outputs of this pixel, the next pixel, or the next instruction
            for (p = 0; p < LANES; p = p + 1) sums[p] <= 0;
            state <= WINDOW;
            if (n_done + LANES < n_per_group) n_done <= n_done + LANES;
            else begin
                n_done <= 0;
                if (output_base + n_per_group < n_out) begin
                    output_base <= output_base + n_per_group;
                    in_base <= in_base + n_in_group;
                end else begin
                    output_base <= 0;
                    in_base <= 0;
                    code_base <= codes;
                    if (column + 1 < n_columns) column <= column + 1;
                    else begin
                        column <= 0;
                        row <= row + 1;
                        if (row + 1 == n_rows) state <= NEXT;
                    end
                end
            end
        end
        DIVIDE: begin // total divided by the divisor, rounded to nearest, halves up: one bit each cycle
            if (phase == 0) begin
                phase <= 1;
                negative <= dividend[31];
                numerator <= dividend[31] ? ~dividend : dividend;
                remainder <= 0;
                quotient <= 0;
                bit_number <= 0;
            end else if (bit_number < 32) begin
                numerator <= numerator << 1;
                remainder <= fits ? next_remainder - divisor : next_remainder;
                quotient <= {quotient[30:0], fits};
                bit_number <= bit_number + 1;
            end else begin
                total <= negative ? ~quotient : quotient;
                state <= STORE;
            end
        end
        STORE: begin
            phase <= 0;
            if (operation == ADD) begin
                write_value <= x + total;
                write_address <= target + element;
                value_write <= 1;
            end
            if (operation == POOL) begin
                write_value <= total;
                write_address <= target + pixel * n_in + in_base;
                value_write <= 1;
                total <= is_maximum ? 32'sh80000000 : 0;
                state <= WINDOW;
                if (in_base + 1 < n_in) in_base <= in_base + 1;
                else begin
                    in_base <= 0;
                    if (column + 1 < n_columns) column <= column + 1;
                    else begin
                        column <= 0;
                        row <= row + 1;
                        if (row + 1 == n_rows) state <= NEXT;
                    end
                end
            end else begin
                element <= element + 1;
                channel <= channel + 1 == n_out ? 0 : channel + 1;
                state <= element + 1 == n_rows ? NEXT : ELEMENT;
            end
        end
        NEXT: begin
            field <= 0;
            state <= FETCH;
            if (instruction + 1 < N_INSTRUCTIONS) begin
                instruction <= instruction + 1;
                program_address <= (instruction + 1) * N_FIELDS;
            end else begin
                instruction <= 0;
                program_address <= 0;
                time_step <= time_step + 1;
                if (time_step + 1 == TIMESTEPS) begin
                    state <= ARGMAX;
                    element <= 0;
                    phase <= 0;
                end else if (FRAMES != 1) begin // wait for the next frame
                    state <= IDLE;
                    busy <= 0;
                end
            end
        end
        ARGMAX: begin
            read_address <= SCORES + element;
            phase <= phase + 1;
            if (phase == 2) begin
                phase <= 0;
                if (element == 0 || value_word > best) begin
                    best <= value_word;
                    best_class <= element;
                    class_number <= element;
                end
                element <= element + 1;
                if (element + 1 == CLASSES) begin
                    busy <= 0;
                    time_step <= 0;
                    state <= IDLE;
                end
            end
        end
        default: state <= IDLE;
        endcase
        if (valid_1) begin
            if (operation == POOL) total <= is_maximum ? (value_word > total ? value_word : total) : total + value_word;
            else for (p = 0; p < LANES; p = p + 1)
                sums[p] <= sums[p] + $signed(value_word[INPUT_BITS-1:0]) * $signed(code_word[p * CODE_BITS +: CODE_BITS]);
        end
    end
endmodule
