package io.netpark.bench.ktor;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.machine.CpuClock;
import io.netpark.bench.run.Progress;
import io.netpark.bench.run.ServerProcess;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How long engines take from the start of their JVM to their first answer, by rounds. */
public final class Starts {

    private static final int PATIENCE_MILLIS = 20_000;
    private static final int OK = 12; // bytes of "HTTP/1.1 200"

    private final Cores cores;
    private final Path file;
    private final Map<KtorContender, List<Start>> starts = new LinkedHashMap<>();

    /**
     * One start.
     *
     * @param nanos from when the process was asked for to the first bytes of the answer
     * @param cpu nanoseconds that the process has computed until then
     */
    public record Start(long nanos, long cpu) {}

    private Starts(Cores cores, Path file) {
        this.cores = cores;
        this.file = file;
    }

    /** Starts each so often, in turns. One that fails drops out. */
    public static Map<KtorContender, List<Start>> of(List<KtorContender> contenders, int rounds, Cores cores, Progress progress) {
        Starts all = new Starts(cores, KtorShape.file());
        List<KtorContender> present = new ArrayList<>(contenders);
        for (int round = 0; round <= rounds; round++) {
            progress.say("start: " + (round == 0 ? "warm-up" : "round " + round + " of " + rounds));
            for (KtorContender contender : List.copyOf(present)) {
                try {
                    Start start = all.start(contender);
                    if (round > 0) { // before, jars may have had to be read from the disk
                        all.starts.computeIfAbsent(contender, each -> new ArrayList<>()).add(start);
                    }
                } catch (BenchFailure e) {
                    progress.say("start: " + contender.label() + " drops out: " + e.getMessage());
                    present.remove(contender);
                }
            }
        }
        return all.starts;
    }

    private Start start(KtorContender contender) {
        long before = System.nanoTime();
        try (ServerProcess server = contender.start(file, null, cores);
                Socket socket = new Socket(InetAddress.getByName("127.0.0.1"), server.port())) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.getOutputStream().write(
                    "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            InputStream in = socket.getInputStream();
            String status = new String(in.readNBytes(OK), StandardCharsets.US_ASCII);
            Start start = new Start(System.nanoTime() - before, CpuClock.nanos(server.pid()));
            if (!status.endsWith(" 200")) {
                throw new BenchFailure(contender.label() + " answers " + status);
            }
            return start;
        } catch (IOException e) {
            throw new BenchFailure(contender.label() + " does not answer: " + e.getMessage());
        }
    }
}
