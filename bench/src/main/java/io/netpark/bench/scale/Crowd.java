package io.netpark.bench.scale;

import io.netpark.bench.run.Entrant;
import io.netpark.bench.run.LoadProcess;
import io.netpark.bench.run.LoadProcess.Done;
import io.netpark.bench.run.Shape;
import io.netpark.bench.server.Service;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** An echo that counts the answers of each connection, one list a server. */
final class Crowd implements Shape {

    private final Echo echo;
    private final Map<Entrant, List<Fairness>> served = new HashMap<>();

    Crowd(Echo echo) {
        this.echo = echo;
    }

    /** Of that server's rounds. */
    List<Fairness> fairness(Entrant contender) {
        return served.getOrDefault(contender, List.of());
    }

    @Override
    public String label() {
        return echo.label();
    }

    @Override
    public Service service() {
        return echo.service();
    }

    @Override
    public Shape warmUp() {
        return echo.warmUp();
    }

    @Override
    public long comeAndGo(LoadProcess load, int port, long millis) {
        return echo.comeAndGo(load, port, millis);
    }

    @Override
    public void open(LoadProcess load, int port) {
        echo.open(load, port);
    }

    @Override
    public Done run(LoadProcess load, int port, long millis) {
        return echo.run(load, port, millis);
    }

    @Override
    public void close(LoadProcess load) {
        echo.close(load);
    }

    @Override
    public Shape toward(Entrant contender) {
        List<Fairness> rounds = served.computeIfAbsent(contender, each -> new ArrayList<>());
        return new Counted(rounds);
    }

    /** Notes what the last run before the end was like. */
    private final class Counted implements Shape {

        private final List<Fairness> rounds;

        Counted(List<Fairness> rounds) {
            this.rounds = rounds;
        }

        @Override
        public String label() {
            return Crowd.this.label();
        }

        @Override
        public Service service() {
            return Crowd.this.service();
        }

        @Override
        public void open(LoadProcess load, int port) {
            Crowd.this.open(load, port);
        }

        @Override
        public Done run(LoadProcess load, int port, long millis) {
            return Crowd.this.run(load, port, millis);
        }

        @Override
        public void close(LoadProcess load) {
            rounds.add(Fairness.of(load.answers(echo.active())));
            Crowd.this.close(load);
        }
    }
}
