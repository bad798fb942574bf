package io.netpark.callback.delivery;

/** Calls at once: whoever wants a call is on the loop, and in the midst of no other call. */
public final class OnLoop extends Delivery {

    private final CallSource source;

    public OnLoop(CallSource source) {
        this.source = source;
    }

    @Override
    public void want(int event) {
        if (!source.isEmpty(event)) {
            source.call(event);
        }
        source.after(event);
    }
}
