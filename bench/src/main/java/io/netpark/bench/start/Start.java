package io.netpark.bench.start;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.CoreClock;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.machine.CpuClock;
import io.netpark.bench.machine.Measured;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.ServerProcess;
import io.netpark.bench.server.Service;
import io.netpark.bench.server.Service.Mode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.Arrays;
import java.util.List;

/**
 * One start of a server.
 *
 * @param listening nanoseconds from when the process was asked for until it said that it listens
 * @param answered nanoseconds from then until the answer to the first request was there
 * @param cpu nanoseconds that the process has computed until the answer
 * @param othersCpu nanoseconds that its core was kept busy by anybody else; coarse, and 0 if it had all cores
 * @param resident bytes after the answer
 * @param heap bytes in use after the answer and a collection
 */
record Start(long listening, long answered, long cpu, long othersCpu, long resident, long heap) implements Measured {

    /** An echo. */
    static final Service SERVICE = new Service(Mode.ECHO, 1, 512);

    private static final int PATIENCE_MILLIS = 20_000;
    private static final byte[] REQUEST = {1, 2, 3, 4};

    /** Starts a server with further options of its JVM, and ends it. */
    static Start of(Contender contender, List<String> jvmOptions, Cores cores) {
        long busyBefore = CoreClock.busy(cores.server());
        long before = System.nanoTime();
        try (ServerProcess server = ServerProcess.start(contender, SERVICE, cores, jvmOptions)) {
            long listening = System.nanoTime() - before;
            ask(server);
            long answered = System.nanoTime() - before - listening;
            long cpu = CpuClock.nanos(server.pid());
            long busy = CoreClock.busy(cores.server()) - busyBefore;
            long resident = server.resident(); // before it is asked for its heap: that needs classes, and memory
            return new Start(listening, answered, cpu, Math.max(0, busy - cpu), resident, server.heap());
        }
    }

    /** Connects, and has one request answered. */
    static void ask(ServerProcess server) {
        try (Socket socket = new Socket(InetAddress.getByName("127.0.0.1"), server.port())) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.getOutputStream().write(REQUEST);
            byte[] answer = socket.getInputStream().readNBytes(REQUEST.length);
            if (!Arrays.equals(answer, REQUEST)) {
                throw new BenchFailure(server.contender().label() + " answers " + Arrays.toString(answer));
            }
        } catch (IOException e) {
            throw new BenchFailure(server.contender().label() + " does not answer: " + e.getMessage());
        }
    }

    /** Nanoseconds until the answer was there. */
    long nanos() {
        return listening + answered;
    }

    @Override
    public double othersShare() {
        return (double) othersCpu / nanos();
    }
}
