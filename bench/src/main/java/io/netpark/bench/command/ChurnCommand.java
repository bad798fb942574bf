package io.netpark.bench.command;

import io.netpark.bench.run.Shape.Churn;
import java.util.List;
import picocli.CommandLine.Command;

/** Connections that live for one request. */
@Command(name = "churn", description = "Connect, one request, close: connections a second and CPU each.")
final class ChurnCommand extends TrafficCommand {

    @Override
    String title() {
        return "Connection churn";
    }

    @Override
    String introduction() {
        return "So many clients at a time connect, send one request, read the answer, close, and start again.";
    }

    @Override
    String unit() {
        return "connection";
    }

    @Override
    List<Churn> all() {
        return List.of(new Churn("50x128B", 50, 128));
    }
}
