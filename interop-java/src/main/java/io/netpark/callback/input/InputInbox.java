package io.netpark.callback.input;

import io.netpark.callback.delivery.Receiver;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Of an input callback on the loop: bytes stay in the segments they were read into. */
final class InputInbox extends Inbox {

    private final Input input;
    private Receiver receiver;
    /** Made with the first byte. */
    private @Nullable LinkBuffer chain;

    InputInbox(Input input, Receiver receiver) {
        this.input = input;
        this.receiver = receiver;
    }

    @Override
    boolean receiver(Receiver next) {
        if (!next.takesInput()) {
            return false;
        }
        receiver = next;
        return true;
    }

    private LinkBuffer chain() {
        LinkBuffer known = chain;
        if (known == null) {
            known = chain = input.limits.newBuffer();
        }
        return known;
    }

    @Override
    long unread() {
        return chain == null ? 0 : chain.available();
    }

    @Override
    int read(ConnectionDescriptor core, boolean retry) throws NetparkException {
        return readInto(chain(), core, retry, false);
    }

    /** @param holds whether there is memory of this connection elsewhere */
    static int readInto(LinkBuffer in, ConnectionDescriptor core, boolean retry, boolean holds) throws NetparkException {
        int count = retry ? core.retryRead(in, holds) : core.startRead(in, holds);
        if (count == Descriptor.PARK && in.available() > 0) {
            in.trim();
        }
        return count;
    }

    @Override
    void deliverFresh() {
        deliver();
    }

    @Override
    void deliver() {
        LinkBuffer in = chain();
        try {
            input.callbacks.input(receiver, in);
        } catch (Throwable e) {
            input.ending.callbackFailed("onInput", e);
        } finally {
            EventLoop.leaveUserCode();
            in.release();
        }
    }

    @Override
    void put(ByteBuffer bytes) throws NetparkException.LimitExceeded {
        chain().put(bytes);
    }

    @Override
    byte[] copy() {
        return copy(chain);
    }

    /** Without taking the bytes; also while views of them are out. */
    static byte[] copy(@Nullable LinkBuffer chain) {
        byte[] bytes = new byte[chain == null ? 0 : (int) chain.available()];
        if (chain != null && bytes.length > 0) {
            chain.peek(bytes.length).duplicate().get(bytes);
        }
        return bytes;
    }

    @Override
    byte[] take() {
        return chain == null ? new byte[0] : chain.takeBytes((int) chain.available());
    }

    @Override
    void clear() {
        if (chain != null) {
            chain.close();
        }
    }
}
