import { WheelTimer } from '../../operators/index.ts'

/** The time that a handler has to return after it was called off; then its slot is taken back. */
export class Grace extends WheelTimer {
  override readonly onDue: () => void

  constructor(onDue: () => void) {
    super()
    this.onDue = onDue
  }
}
