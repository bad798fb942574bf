package io.netpark.bench.run;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A process that answers lines with lines. It cannot outlive the harness: it is killed when the harness ends in any
 * orderly way, and ends by itself when its standard input does.
 */
public class Child implements Closeable {

    private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();
    private static final String END = "\0end";

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> RUNNING.forEach(Process::destroyForcibly)));
    }

    private final String name;
    private final Process process;
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();

    /**
     * Starts it.
     *
     * @param core where it runs, or -1 for anywhere
     * @param errors where its standard error goes, for a look after a failure
     */
    public Child(String name, List<String> command, int core, Path errors) {
        this.name = name;
        try {
            process = new ProcessBuilder(Cores.pinned(command, core))
                    .redirectError(ProcessBuilder.Redirect.appendTo(errors.toFile()))
                    .start();
        } catch (IOException e) {
            throw new BenchFailure(name + " could not be started: " + e.getMessage());
        }
        RUNNING.add(process);
        Thread reader = new Thread(this::read, name + " output");
        reader.setDaemon(true);
        reader.start();
    }

    private void read() {
        try (BufferedReader output =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                lines.add(line);
            }
        } catch (IOException e) {
            // the pipe broke: as good as its end
        }
        lines.add(END);
    }

    /** The kernel's number of the process. taskset has become the process it started, so it is the server's own. */
    public long pid() {
        return process.pid();
    }

    public String name() {
        return name;
    }

    /** Sends a line and waits for the answer. */
    public String ask(String line, Duration patience) {
        try {
            OutputStream input = process.getOutputStream();
            input.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            input.flush();
        } catch (IOException e) {
            throw new BenchFailure(name + " has ended: " + e.getMessage());
        }
        return line(patience);
    }

    /** The next line it prints. */
    public String line(Duration patience) {
        @Nullable String line;
        try {
            line = lines.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchFailure("interrupted while waiting for " + name);
        }
        if (line == null) {
            close();
            throw new BenchFailure(name + " said nothing for " + patience.toSeconds() + " s and was ended");
        }
        if (line.equals(END)) {
            throw new BenchFailure(name + " has ended; see its messages");
        }
        return line;
    }

    /** Ends its input, and waits until it has done what it still has to do, and ended. */
    public void end(Duration patience) {
        try {
            process.getOutputStream().close();
            if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new BenchFailure(name + " has not ended within " + patience.toSeconds() + " s");
            }
        } catch (IOException e) {
            throw new BenchFailure(name + " has ended: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchFailure("interrupted while waiting for " + name);
        }
    }

    /** Ends it: its input first, then by SIGTERM, then by force. Who has to tidy up, and ignores SIGTERM, has 12 s for it. */
    @Override
    public void close() {
        try {
            process.getOutputStream().close();
            if (!process.waitFor(2, TimeUnit.SECONDS)) {
                process.destroy();
                if (!process.waitFor(10, TimeUnit.SECONDS)) {
                    process.destroyForcibly().waitFor(5, TimeUnit.SECONDS);
                }
            }
        } catch (IOException e) {
            process.destroyForcibly();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        RUNNING.remove(process);
    }
}
