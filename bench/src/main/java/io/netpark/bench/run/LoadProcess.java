package io.netpark.bench.run;

import io.netpark.bench.load.Load;
import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.tls.Protocol;
import java.io.Closeable;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.DataFormatException;
import org.HdrHistogram.Histogram;

/** The generator, running. Its commands are those of {@link Load}. */
public final class LoadProcess implements Closeable {

    private static final Duration CONNECT = Duration.ofSeconds(60);
    private static final Duration GRACE = Duration.ofSeconds(60);

    private final Child child;

    private LoadProcess(Child child) {
        this.child = child;
    }

    /** Starts it on its core. */
    public static LoadProcess start(Cores cores) {
        return new LoadProcess(new Child("generator", Jvm.command(List.of(), Load.class), cores.load(),
                Folders.target().resolve("generator.log")));
    }

    /**
     * What was done.
     *
     * @param requests complete ones
     * @param bytes received and compared
     * @param nanos it took
     * @param latencies of the requests, in nanoseconds
     */
    public record Done(long requests, long bytes, long nanos, Histogram latencies) {}

    public long pid() {
        return child.pid();
    }

    /** Connects more connections. */
    public void open(int port, int count, int size, int depth) {
        ask("open " + port + " " + count + " " + size + " " + depth, CONNECT);
    }

    /** As {@link #open}, of messages that begin with their length. */
    public void openFrames(int port, int count, int size, int depth) {
        ask("frames " + port + " " + count + " " + size + " " + depth, CONNECT);
    }

    /** As {@link #open}, of guests that ask for a page over HTTP. */
    public void openHttp(int port, int count, int depth) {
        ask("http " + port + " " + count + " " + depth, CONNECT);
    }

    /** As {@link #openHttp}, of guests that ask for a file of one block, one at a time. */
    public void openFile(int port, int count, int size) {
        ask("file " + port + " " + count + " " + size, CONNECT);
    }

    /** As {@link #openHttp}, of guests that ask for an object in JSON. */
    public void openJson(int port, int count, int depth) {
        ask("json " + port + " " + count + " " + depth, CONNECT);
    }

    /** As {@link #openFile}, of guests that send one block and are told its size. */
    public void openUpload(int port, int count, int size) {
        ask("upload " + port + " " + count + " " + size, CONNECT);
    }

    /** One request on each connection that has had none. */
    public Done once() {
        return done(ask("once", CONNECT));
    }

    /** Requests on the first connections for a while. */
    public Done run(long millis, int active) {
        return done(ask("run " + millis + " " + active, GRACE.plusMillis(millis)));
    }

    /** How many answers each of the first connections has had in the last {@link #run}. */
    public long[] answers(int active) {
        return Stream.of(ask("answers " + active, GRACE).split(" ")).skip(1).mapToLong(Long::parseLong).toArray();
    }

    /** So many requests a second on the first connections, by an open loop. */
    public Done pace(long millis, int active, int rate) {
        return done(ask("pace " + millis + " " + active + " " + rate, GRACE.plusMillis(millis)));
    }

    /** Fetches blocks. */
    public Done drain(int port, int connections, int block, int blocks, long millis) {
        return done(ask("drain " + port + " " + connections + " " + block + " " + blocks + " " + millis,
                GRACE.plusMillis(millis)));
    }

    /** Visits. */
    public Done churn(int port, int visitors, int size, long millis) {
        return done(ask("churn " + port + " " + visitors + " " + size + " " + millis, GRACE.plusMillis(millis)));
    }

    /** Visits to a page over HTTP. */
    public Done visits(int port, int visitors, long millis) {
        return done(ask("visits " + port + " " + visitors + " " + millis, GRACE.plusMillis(millis)));
    }

    /**
     * Encrypts connections from now on.
     *
     * @param resumed whether sessions are resumed that there were with the same server; else each is new
     */
    public void encrypt(Protocol protocol, boolean resumed) {
        ask("tls " + protocol.ordinal() + " " + (resumed ? 1 : 0), CONNECT);
    }

    /** Encrypts no more. */
    public void plain() {
        ask("plain", CONNECT);
    }

    /** Reads the server's clock again and again. */
    public Done stamp(int port, int count, int pauseMicros) {
        return done(ask("stamp " + port + " " + count + " " + pauseMicros, GRACE));
    }

    /** Closes all that {@link #open} opened. */
    public void disconnect() {
        ask("close", CONNECT);
    }

    private String ask(String command, Duration patience) {
        String answer = child.ask(command, patience);
        if (!answer.startsWith("ok")) {
            throw new BenchFailure("the generator " + answer);
        }
        return answer;
    }

    /** Reads what {@link io.netpark.bench.load.Encoded} has written. */
    public static Done done(String answer) {
        String[] words = answer.split(" ");
        try {
            byte[] histogram = Base64.getDecoder().decode(value(words[4]));
            return new Done(Long.parseLong(value(words[1])), Long.parseLong(value(words[2])),
                    Long.parseLong(value(words[3])),
                    Histogram.decodeFromCompressedByteBuffer(ByteBuffer.wrap(histogram), 0));
        } catch (DataFormatException e) {
            throw new BenchFailure("the generator sent a broken histogram: " + e.getMessage());
        }
    }

    private static String value(String word) {
        return word.substring(word.indexOf('=') + 1);
    }

    @Override
    public void close() {
        child.close();
    }
}
