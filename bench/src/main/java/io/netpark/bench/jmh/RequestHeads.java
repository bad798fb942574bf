package io.netpark.bench.jmh;

import io.netpark.core.buffer.LeakDetection;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.http.HeadLimits;
import io.netpark.http.RequestHead;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.impl.io.DefaultHttpRequestParser;
import org.apache.hc.core5.http.impl.io.SessionInputBufferImpl;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Parsing the head of a request: Netpark's own parser, and Apache HttpCore 5, the standalone one that could be used
 * instead. Both begin with the bytes being copied into a buffer of theirs, as a read from a socket does, and end with the method,
 * the target and the fields known.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class RequestHeads {

    /** What a load generator asks, and what a browser does. */
    public enum Text {
        /** One field. */
        PLAIN("GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"),
        /** A dozen. */
        BROWSER("""
                GET /plaintext HTTP/1.1
                Host: 127.0.0.1:8080
                User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0
                Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
                Accept-Language: en-US,en;q=0.5
                Accept-Encoding: gzip, deflate, br, zstd
                Connection: keep-alive
                Upgrade-Insecure-Requests: 1
                Sec-Fetch-Dest: document
                Sec-Fetch-Mode: navigate
                Sec-Fetch-Site: none
                Priority: u=0, i

                """.replace("\n", "\r\n"));

        private final byte[] bytes;

        Text(String text) {
            bytes = text.getBytes(StandardCharsets.US_ASCII);
        }
    }

    /** Which. */
    @Param
    public Text text = Text.PLAIN;

    private SegmentPool pool;
    private LinkBuffer input;
    private RequestHead head;
    private RequestHead told;
    private int length;

    private ByteArrayInputStream stream;
    private SessionInputBufferImpl session;
    private DefaultHttpRequestParser parser;

    /** Makes the parsers. */
    @Setup
    public void open() {
        pool = SegmentPool.builder().leakDetection(LeakDetection.OFF).build();
        input = new LinkBuffer(pool);
        head = new RequestHead();
        told = new RequestHead(
                new HeadLimits(), (line, name, nameEnd, value, valueEnd) -> length += valueEnd - name);
        stream = new ByteArrayInputStream(text.bytes);
        session = new SessionInputBufferImpl(8192);
        parser = new DefaultHttpRequestParser(Http1Config.DEFAULT);
    }

    /** Gives the memory back. */
    @TearDown
    public void close() {
        input.close();
        pool.close();
    }

    /** Netpark's own, without a sink of fields. */
    @Benchmark
    public RequestHead netpark() throws IOException {
        return parsed(head);
    }

    /** The same, with a sink that looks at every field. */
    @Benchmark
    public RequestHead netparkTelling() throws IOException {
        return parsed(told);
    }

    private RequestHead parsed(RequestHead into) throws IOException {
        input.put(text.bytes);
        if (!into.parse(input)) {
            throw new IllegalStateException("no whole head");
        }
        input.release();
        return into;
    }

    /** Apache HttpCore's. */
    @Benchmark
    public ClassicHttpRequest httpCore() throws IOException, HttpException {
        stream.reset();
        return parser.parse(session, stream);
    }
}
