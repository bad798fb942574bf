package io.netpark.bench.tail;

import io.netpark.bench.run.LoadProcess;
import io.netpark.bench.run.LoadProcess.Done;
import io.netpark.bench.run.Shape;
import io.netpark.bench.server.Service;

/**
 * A shape by an open loop: so many requests a second begin, on whichever connection is free, whether those before have been answered or
 * not.
 *
 * @param shape what connects, and warms up by its closed loop
 * @param connections that it has
 * @param rate requests a second, on average
 */
public record Paced(Shape shape, int connections, int rate) implements Shape {

    @Override
    public String label() {
        return "tail";
    }

    @Override
    public Service service() {
        return shape.service();
    }

    @Override
    public Shape warmUp() {
        return shape;
    }

    @Override
    public void open(LoadProcess load, int port) {
        shape.open(load, port);
    }

    @Override
    public Done run(LoadProcess load, int port, long millis) {
        return load.pace(millis, connections, rate);
    }

    @Override
    public void close(LoadProcess load) {
        shape.close(load);
    }
}
