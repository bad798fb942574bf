package io.netpark.bench.command;

import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Shape;
import java.util.List;
import picocli.CommandLine.Command;

/** Messages that are parsed and written anew. */
@Command(name = "frames", description = "Length-prefixed messages, parsed and written anew, against Netty's decoder.")
final class FramesCommand extends TrafficCommand {

    @Override
    String title() {
        return "Frames";
    }

    @Override
    String introduction() {
        return "Messages of four bytes of length and a payload are parsed, and written anew into another buffer: Netpark by "
                + "its readers and writers, Netty by its LengthFieldBasedFrameDecoder. The floor parses nothing, it echoes.";
    }

    @Override
    String unit() {
        return "message";
    }

    @Override
    List<Contender> contenders() {
        return super.contenders().stream()
                .filter(contender -> contender.isNetpark() || contender == Contender.NETTY || contender == Contender.FLOOR)
                .toList();
    }

    @Override
    List<Shape.Frames> all() {
        return List.of(
                new Shape.Frames("100x1KiB", 100, 1024, 1),
                new Shape.Frames("100x1KiBx16", 100, 1024, 16));
    }

    @Override
    List<Shape.Frames> quick() {
        return all().subList(0, 1);
    }
}
