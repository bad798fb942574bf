package io.netpark.bench.load;

import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.zip.Deflater;
import org.HdrHistogram.Histogram;

/** What was done, as a line that one process tells another. */
public final class Encoded {

    private Encoded() {}

    /** The line. */
    public static String result(long requests, long bytes, long nanos, Histogram latencies) {
        ByteBuffer encoded = ByteBuffer.allocate(latencies.getNeededByteBufferCapacity());
        int length = latencies.encodeIntoCompressedByteBuffer(encoded, Deflater.BEST_SPEED);
        byte[] histogram = new byte[length];
        encoded.get(0, histogram);
        return "requests=" + requests + " bytes=" + bytes + " nanos=" + nanos
                + " histogram=" + Base64.getEncoder().encodeToString(histogram);
    }
}
