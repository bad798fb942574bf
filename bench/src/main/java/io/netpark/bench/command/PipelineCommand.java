package io.netpark.bench.command;

import io.netpark.bench.run.Shape.Echo;
import java.util.List;
import picocli.CommandLine.Command;

/** Sixteen requests in flight a connection. */
@Command(name = "pipeline", description = "As echo, with 16 requests in flight on each connection.")
final class PipelineCommand extends TrafficCommand {

    private static final int DEPTH = 16;

    @Override
    String title() {
        return "Pipelined echo";
    }

    @Override
    String introduction() {
        return "Each connection has " + DEPTH + " requests in flight; for every answer that is complete it sends another.";
    }

    @Override
    List<Echo> all() {
        return List.of(
                new Echo("100x128Bx16", 100, 0, 128, DEPTH),
                new Echo("100x1KiBx16", 100, 0, 1024, DEPTH));
    }

    @Override
    List<Echo> quick() {
        return all().subList(0, 1);
    }
}
