// Self-checking testbench: {{ "sequences of frames" if n_frames > 1 else "images" }} in frames.hex; scores and digests of the spikes of every layer of expected.hex.
`timescale 1ns / 1ps
module testbench;
    localparam PIXELS = {{ n_frame }}, FRAMES = {{ n_frames }}, CLASSES = {{ n_classes }}, LAYERS = {{ n_layers }}, WORDS = CLASSES + LAYERS;
    reg clock = 0, reset = 1, start = 0, frame_write = 0;
    reg [{{ frame_bits - 1 }}:0] frame_address = 0;
    reg [7:0] frame_pixel = 0;
    reg [{{ class_bits - 1 }}:0] score_address = 0;
    wire busy, spike_valid, spike;
    wire [15:0] class_number, spike_layer;
    wire signed [31:0] score;
    reg [7:0] frames [0:PIXELS * FRAMES * {{ max_images }} - 1];
    reg [31:0] expected [0:WORDS * {{ max_images }} - 1];
    reg [31:0] digests [0:LAYERS], found;
    reg [7:0] bytes [0:LAYERS];
    integer n_bits [0:LAYERS];
    integer n_images, image, frame, k, n_wrong, cycles, written;
    integer n_spikes [0:LAYERS];
    integer sizes [0:LAYERS];

    neuronas engine (
        .clock(clock), .reset(reset), .frame_write(frame_write), .frame_address(frame_address),
        .frame_pixel(frame_pixel), .start(start), .busy(busy), .class_number(class_number),
        .score_address(score_address), .score(score), .spike_valid(spike_valid), .spike(spike),
        .spike_layer(spike_layer));

    always #5 clock = ~clock;
    always @(posedge clock) if (busy) cycles = cycles + 1;

    // FNV-1a over bytes of eight spikes; a layer's last byte of a time step is padded with zeros.
    always @(negedge clock) if (spike_valid) begin
        k = spike_layer;
        bytes[k] = {bytes[k][6:0], spike};
        n_bits[k] = n_bits[k] + 1;
        n_spikes[k] = n_spikes[k] + 1;
        if (n_bits[k] == 8 || n_spikes[k] == sizes[k]) begin
            digests[k] = (digests[k] ^ (bytes[k] << (8 - n_bits[k]))) * 32'd16777619;
            bytes[k] = 0;
            n_bits[k] = 0;
            if (n_spikes[k] == sizes[k]) n_spikes[k] = 0;
        end
    end

    initial begin
        $readmemh("frames.hex", frames);
        $readmemh("expected.hex", expected);
        if (!$value$plusargs("images=%d", n_images)) n_images = {{ n_images }};
{% for size in layer_sizes %}
        sizes[{{ loop.index0 }}] = {{ size }};
{% endfor %}
        n_wrong = 0;
        repeat (3) @(negedge clock);
        reset = 0;
        for (image = 0; image < n_images; image = image + 1) begin
            for (k = 0; k <= LAYERS; k = k + 1) begin
                digests[k] = 32'd2166136261;
                bytes[k] = 0;
                n_bits[k] = 0;
                n_spikes[k] = 0;
            end
            cycles = 0;
            for (frame = 0; frame < FRAMES; frame = frame + 1) begin
                for (written = 0; written < PIXELS; written = written + 1) begin
                    @(negedge clock);
                    frame_write = 1;
                    frame_address = written;
                    frame_pixel = frames[(image * FRAMES + frame) * PIXELS + written];
                end
                @(negedge clock);
                frame_write = 0;
                start = 1;
                @(negedge clock);
                start = 0;
                while (busy) @(negedge clock);
            end
            $write("%0d", class_number);
            for (written = 0; written < CLASSES; written = written + 1) begin
                score_address = written;
                @(negedge clock);
                @(negedge clock);
                $write(" %0d", score);
                found = score;
                if (found !== expected[image * WORDS + written]) n_wrong = n_wrong + 1;
            end
            $write(" |");
            for (written = 0; written < LAYERS; written = written + 1) begin
                $write(" %08h", digests[written]);
                if (digests[written] !== expected[image * WORDS + CLASSES + written]) n_wrong = n_wrong + 1;
            end
            $display(" | %0d cycles", cycles);
        end
        $display("%0d images, %0d differences", n_images, n_wrong);
        $finish;
    end
endmodule
