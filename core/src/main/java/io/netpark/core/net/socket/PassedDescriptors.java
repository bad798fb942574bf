package io.netpark.core.net.socket;

import io.netpark.core.sys.LibC;
import io.netpark.core.sys.OpenDescriptor;
import io.netpark.core.sys.Rights;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Descriptors that have come with bytes over a unix socket (SCM_RIGHTS of unix(7)), until somebody takes them. They are open
 * and close-on-exec, and refer to the same open files as the sender's: so whether a socket is non-blocking is shared with the
 * sender.
 *
 * <p>Ownership: a descriptor that has been taken is the taker's to close, or to have
 * {@linkplain io.netpark.core.net.streams.ConnectionDescriptor#adopt adopted}. {@link #close} closes the others, and then this object
 * can be received into again. NOT thread safe.
 *
 * <pre>
 *   empty --receive--> holds those that came, at most so many as are wanted --take--> empty
 *                                                                           --close--> empty, they are closed
 * </pre>
 */
public final class PassedDescriptors implements AutoCloseable {

    private final int[] descriptors;
    private int count;
    private int surplus;
    private boolean cut;
    private @Nullable LibC libc;

    /**
     * Room for descriptors.
     *
     * @param most how many are wanted with one message or read, 1 to 253; others are closed as they come
     */
    public PassedDescriptors(int most) {
        if (most < 1 || most > Rights.MOST) {
            throw new IllegalArgumentException("1 to " + Rights.MOST + " descriptors come with a message, not " + most);
        }
        this.descriptors = new int[most];
    }

    /** Before an operation: what it receives must not overwrite what somebody still has to close. */
    void requireEmpty() {
        if (count > 0) {
            throw new IllegalStateException(this + ": take or close them before more are received");
        }
    }

    /** Takes over what has come, and closes what is too much of it. */
    void fill(LibC libc, ByteBuffer control, int offset, int length, boolean cut) {
        int came = Rights.count(control, offset, length);
        this.libc = libc;
        this.cut = cut;
        this.count = Math.min(came, descriptors.length);
        this.surplus = came - count;
        for (int i = 0; i < count; i++) {
            descriptors[i] = Rights.get(control, offset, length, i);
        }
        for (int i = count; i < came; i++) {
            libc.close(Rights.get(control, offset, length, i));
        }
    }

    /** How many have come and have not been taken. */
    public int count() {
        return count;
    }

    /** How many more came last than were wanted. They have been closed. */
    public int surplus() {
        return surplus;
    }

    /**
     * Whether the kernel could not deliver all of the last ones (MSG_CTRUNC): this process has no room for more. How many it has
     * closed instead cannot be known.
     */
    public boolean isCut() {
        return cut;
    }

    /** All of them, in the order in which they were sent. The caller closes them from now on. */
    public List<OpenDescriptor> take() {
        List<OpenDescriptor> taken = new ArrayList<>(count);
        for (int i = 0; i < count; i++) { // with some in it, libc is there
            taken.add(OpenDescriptor.of(Objects.requireNonNull(libc), descriptors[i]));
        }
        count = 0; // last: until here they are this object's, as there may be no memory
        return taken;
    }

    /** Closes the descriptors that have not been taken. This object can be used again. */
    @Override
    public void close() {
        LibC library = libc;
        while (count > 0 && library != null) {
            library.close(descriptors[--count]);
        }
    }

    @Override
    public String toString() {
        return count + " passed descriptors" + (surplus > 0 ? ", and " + surplus + " too many" : "")
                + (cut ? ", and some that there was no room for" : "");
    }
}
